"""The embedded model as data: one file in one wheel, each with a size and a hash."""

from __future__ import annotations

import re
from datetime import date

from tidegate.catalog.embedded import embedded_model


def test_the_model_says_that_it_is_not_deepseek():
    assert embedded_model().notice == "embedded demo model, not DeepSeek"


def test_wheel_and_file_have_a_full_hash_and_a_plausible_size():
    model = embedded_model()
    for digest in (model.wheel_sha256, model.file_sha256):
        assert re.fullmatch(r"[0-9a-f]{64}", digest)
    assert model.wheel_sha256 != model.file_sha256
    assert 10**6 < model.wheel_bytes < model.file_bytes < 10**9


def test_the_file_lies_inside_the_wheel_under_its_own_name():
    model = embedded_model()
    assert model.member.endswith(f"/{model.file_name}")
    assert model.file_name.endswith(".gguf")
    assert not model.member.startswith("/")


def test_the_version_is_pinned():
    assert re.fullmatch(r"\d+(\.\d+)+", embedded_model().version)


def test_licence_source_and_date_are_there():
    model = embedded_model()
    assert model.licence == "Apache-2.0"
    assert model.source.startswith("https://")
    assert isinstance(model.checked, date)


def test_it_is_read_once():
    assert embedded_model() is embedded_model()
