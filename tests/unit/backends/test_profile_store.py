"""The file of measurements: found again for the same server, measured anew for another, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.backends.profile_store import Measured, ProfileStore
from tidegate.core.profile import Fact, Traits

TRAITS = Traits(version="0.32.0", window_tokens=2048, encoding="v4")
MEASURED = Measured("box", "vllm", "m", TRAITS, (Fact("json", "native", "measured", "", "0.32.0", "2026-11-24"),))


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path):
    path = tmp_path / "state" / "profiles.json"
    ProfileStore(path).keep(MEASURED)
    assert ProfileStore(path).find("box", "vllm", "m", TRAITS) == MEASURED
    assert not path.with_suffix(".new").exists()


@pytest.mark.parametrize(
    "asked",
    [
        ("other", "vllm", "m", TRAITS),
        ("box", "sglang", "m", TRAITS),
        ("box", "vllm", "other", TRAITS),
        ("box", "vllm", "m", Traits(version="0.33.0", window_tokens=2048, encoding="v4")),
        ("box", "vllm", "m", Traits(version="0.32.0", window_tokens=4096, encoding="v4")),
    ],
)
def test_another_server_model_or_version_is_measured_anew(asked):
    store = ProfileStore()
    store.keep(MEASURED)
    assert store.find(*asked) is None
    assert store.find("box", "vllm", "m", TRAITS) == MEASURED


def test_a_server_that_does_not_tell_its_version_is_measured_at_each_start():
    store = ProfileStore()
    store.keep(Measured("box", "generic", "m", Traits(), ()))
    assert store.find("box", "generic", "m", Traits()) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'[{"backend":"box"}]', b"\xff"])
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, content: bytes):
    path = tmp_path / "profiles.json"
    path.write_bytes(content)
    store = ProfileStore(path)
    assert store.find("box", "vllm", "m", TRAITS) is None
    store.keep(MEASURED)
    assert ProfileStore(path).find("box", "vllm", "m", TRAITS) == MEASURED


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_file(tmp_path: Path):
    (tmp_path / "file").write_text("")
    store = ProfileStore(tmp_path / "file" / "profiles.json")
    store.keep(MEASURED)
    assert store.find("box", "vllm", "m", TRAITS) == MEASURED
