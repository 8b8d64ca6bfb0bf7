"""`tidegate explain ex_... --content`: shown to who has the key, and a clear word for everybody else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli.content import lines_of
from tidegate.core.boundary import DataClass
from tidegate.privacy.keeping.content import ContentStore
from tidegate.privacy.keeping.kept import Content

Run = Callable[..., Any]
SECRET = "a phrase that is long enough"
DOCUMENT: dict[str, Any] = {
    "exchange": "",
    "class": "public",
    "request": {
        "model": "auto",
        "temperature": 0.5,
        "messages": [
            {"role": "user", "parts": [{"kind": "text", "text": "什么?"}]},
            {
                "role": "assistant",
                "parts": [
                    {"kind": "reasoning", "text": "hm"},
                    {"kind": "tool_call", "name": "f", "arguments": "{}"},
                    {"kind": "other", "value": {"type": "image_url"}},
                ],
            },
        ],
    },
    "answer": {
        "text": "Hello",
        "reasoning": "think",
        "tool_calls": [{"name": "g", "arguments": "{}"}],
        "finish": "stop",
    },
}


def exchange_id(at_s: float) -> str:
    return f"ex_{int(at_s * 1000):012x}{1:020x}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an exchange whose content is kept."""
    (tmp_path / "tidegate.toml").write_text('capture = { key_env = "CONTENT_KEY", keep_s = 7200 }')
    monkeypatch.setenv("CONTENT_KEY", SECRET)
    store = ContentStore(tmp_path / "state" / "tidegate" / "content", SECRET, frozenset({DataClass.PUBLIC}), 7200)
    store.open()
    found = exchange_id(time.time())
    body = json.dumps(DOCUMENT | {"exchange": found}).encode()
    store.put(Content(found, DataClass.PUBLIC, None, False, len(body), lambda: body))
    store.close()
    assert store.written == 1
    return found


def test_kept_content_is_shown(tidegate: Run, kept: str) -> None:
    shown = tidegate("explain", kept, "--content")
    assert shown.code == 0
    assert shown.out.startswith(f"content of {kept} (public), as the client sent it:\n[user]\n什么?\n")
    assert json.loads(tidegate("explain", kept, "--content", "--json").out) == DOCUMENT | {"exchange": kept}


def test_every_part_is_shown() -> None:
    assert lines_of(DOCUMENT | {"exchange": "ex_1"}).splitlines() == [
        "content of ex_1 (public), as the client sent it:",
        "[user]",
        "什么?",
        "[assistant]",
        "(reasoning) hm",
        "(call) f {}",
        '(image_url) {"type": "image_url"}',
        "model: auto",
        "temperature: 0.5",
        "[answer, stop]",
        "(reasoning) think",
        "Hello",
        "(call) g {}",
    ]


def test_another_key_is_told(tidegate: Run, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENT_KEY", "another phrase, also long")
    shown = tidegate("explain", kept, "--content")
    assert shown.code == 2
    assert "was kept with another key than the one in CONTENT_KEY" in shown.err
    assert "another phrase" not in shown.err


def test_no_key_is_told(tidegate: Run, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTENT_KEY")
    shown = tidegate("explain", kept, "--content")
    assert (shown.code, "CONTENT_KEY is not set" in shown.err) == (2, True)


def test_what_is_too_old_is_told(tidegate: Run, kept: str) -> None:
    shown = tidegate("explain", exchange_id(time.time() - 7300), "--content")
    assert shown.code == 1
    assert "is no longer kept: [capture] keep_s is 7200" in shown.err


@pytest.mark.parametrize("what", ["now", "ex_1"])
def test_what_was_never_kept_is_told(tidegate: Run, kept: str, what: str) -> None:
    shown = tidegate("explain", exchange_id(time.time()) if what == "now" else what, "--content")
    assert shown.code == 1
    assert "classes (public), never private ones" in shown.err


def test_damage_is_told(tidegate: Run, kept: str, tmp_path: Path) -> None:
    (file,) = (tmp_path / "state" / "tidegate" / "content").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    shown = tidegate("explain", kept, "--content")
    assert (shown.code, "was damaged or changed" in shown.err) == (1, True)


@pytest.mark.parametrize("words", [("RTE010",), ()])
def test_only_exchanges_have_content(tidegate: Run, words: tuple[str, ...]) -> None:
    shown = tidegate("explain", *words, "--content")
    assert (shown.code, "--content needs an exchange id" in shown.err) == (2, True)


def test_without_the_option_nothing_can_be_read(tidegate: Run) -> None:
    shown = tidegate("explain", exchange_id(time.time()), "--content")
    assert (shown.code, "[capture] key_env is not set" in shown.err) == (2, True)
