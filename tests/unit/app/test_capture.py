"""Keeping content is off by default; a key that could not protect it is refused, naming the option."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tidegate.app import App
from tidegate.app.capture import content_folder, content_secret, content_store
from tidegate.config import parse_config
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured

KEY = {"KEY": "0123456789abcdef"}


def config(**capture: Any) -> Any:
    return parse_config({"embedded": {"enabled": False}, "capture": {"key_env": "KEY", **capture}})


def test_nothing_is_kept_by_default(tmp_path: Path) -> None:
    assert content_store(parse_config({}), {}, tmp_path) is None
    assert App(parse_config({}), {}, tmp_path, None).content is None


def test_with_a_key_public_content_is_kept_in_the_state_folder(tmp_path: Path) -> None:
    store = content_store(config(), KEY, tmp_path)
    assert store is not None
    assert store.folder == tmp_path / "content"
    assert store.classes == {DataClass.PUBLIC}
    assert not store.folder.exists(), "nothing is made before the start"


def test_the_folder_can_be_chosen(tmp_path: Path) -> None:
    assert content_folder(config(folder="~/kept"), tmp_path) == Path.home() / "kept"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, r"\[capture\] key_env: the environment variable KEY is not set"),
        ({"KEY": "short-secret"}, r"\[capture\] key_env: .* KEY holds fewer than 16 characters; .*openssl"),
    ],
)
def test_a_key_that_is_missing_or_too_short_is_refused(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=said) as refused:
        App(config(), environment, tmp_path, None)
    assert "short-secret" not in refused.value.message


def test_without_the_extra_it_is_refused_and_without_the_option_nobody_needs_it(tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from tidegate.app import App
from tidegate.config import parse_config
App(parse_config({{}}), {{}}, Path({str(tmp_path)!r}), None)
print("starts")
App(parse_config({{"capture": {{"key_env": "KEY"}}}}), {KEY!r}, Path({str(tmp_path)!r}), None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "starts\n"
    assert "Misconfigured: [capture] key_env needs cryptography: run `pip install 'tidegate[capture]'`" in done.stderr


def test_no_classes_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[capture\] classes is empty"):
        content_store(config(classes=[]), KEY, tmp_path)


def test_private_cannot_be_asked_for() -> None:
    with pytest.raises(Misconfigured, match=r"capture\.?.*classes"):
        config(classes=["private"])


def test_there_is_no_secret_without_the_option() -> None:
    with pytest.raises(Misconfigured, match=r"\[capture\] key_env is not set"):
        content_secret(parse_config({}), KEY)
