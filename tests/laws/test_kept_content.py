"""The law of kept content: nothing of a private request is ever at rest, and each of the walls before it holds alone.

Through the whole gateway, over every class a client can wish for, what the configuration can keep and both kinds of
answers; then with the first wall torn down, and with the first two.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.support.asgi import call
from tests.support.canaries import traces

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.privacy.keeping.content import read_content

SECRET = "a phrase for this law"
RANKS = {"public": 0, "internal": 1, "private": 2}
CLASSES = tuple(RANKS)
KEPT = (["public"], ["internal"], ["public", "internal"])
MODELS = ("auto", "local", "mine", "home")


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a key is slow by intention, and how slow is not what is tested here."""
    monkeypatch.setattr("tidegate.privacy.keeping.sealed._SCRYPT_N", 2)


def settings(kept: list[str]) -> dict[str, Any]:
    return {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"home": {"kind": "fake"}},
        "aliases": {"mine": {"targets": ["home"], "class": "private"}},
        "capture": {"key_env": "KEY", "classes": kept},
    }


def canary(number: int) -> str:
    return f"canary-{number:04d}-zq"


def play(folder: Path, kept: list[str]) -> tuple[App, dict[str, tuple[str, str]]]:
    """Each class, model and kind of answer once; by exchange id the canary and the true class."""
    app = App(parse_config(settings(kept)), {"KEY": SECRET}, folder, None)
    asked: dict[str, tuple[str, str]] = {}

    async def run() -> None:
        async with app:
            for number, (wished, model, stream) in enumerate(product(CLASSES, MODELS, (False, True))):
                said = [{"role": "user", "content": canary(number)}]
                body = json.dumps({"model": model, "messages": said, "stream": stream}).encode()
                reply = await call(app.asgi, "POST", "/chat/completions", body, {"x-tidegate-class": wished})
                assert reply.status == 200
                true = "private" if model in ("local", "mine") else wished
                asked[reply.headers["x-tidegate-exchange"]] = canary(number), true

    asyncio.run(run())
    return app, asked


def readable(folder: Path, asked: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The canary and the class of every exchange whose content can be read with the key."""
    for exchange_id, (planted, true) in asked.items():
        reading = read_content(folder / "content", SECRET, 3600.0, exchange_id, int(exchange_id[3:15], 16) / 1000)
        if reading.state == "found":
            assert planted.encode() in reading.body
            yield planted, true


def nothing_shows(folder: Path, asked: dict[str, tuple[str, str]]) -> None:
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert [planted for planted, _ in asked.values() if traces(planted, data)] == []


def first_wall_broken() -> AbstractContextManager[Any]:
    return patch("tidegate.pipeline.capture.may_keep", lambda exchange, classes: True)


def second_wall_broken() -> AbstractContextManager[Any]:
    return patch("tidegate.privacy.keeping.content.may_be_written", lambda content, classes: True)


@pytest.mark.parametrize("kept", KEPT, ids=",".join)
def test_what_was_asked_for_is_kept_and_nothing_private(kept: list[str], tmp_path: Path) -> None:
    app, asked = play(tmp_path, kept)
    assert app.content is not None
    found = list(readable(tmp_path, asked))
    assert sorted(found) == sorted((planted, true) for planted, true in asked.values() if true in kept)
    assert (app.content.refused, app.content.dropped) == (0, 0), "no second wall was needed"
    nothing_shows(tmp_path, asked)


@pytest.mark.parametrize("kept", KEPT, ids=",".join)
def test_with_the_first_wall_broken_the_writer_still_stops_it(kept: list[str], tmp_path: Path) -> None:
    with first_wall_broken():
        app, asked = play(tmp_path, kept)
    assert app.content is not None
    assert {true for _, true in readable(tmp_path, asked)} == set(kept)
    assert app.content.refused == sum(true not in kept for _, true in asked.values())
    nothing_shows(tmp_path, asked)


def test_with_both_broken_the_file_has_no_place_for_private(tmp_path: Path) -> None:
    with ExitStack() as broken:
        broken.enter_context(first_wall_broken())
        broken.enter_context(second_wall_broken())
        app, asked = play(tmp_path, ["public"])
    assert app.content is not None
    found = {true for _, true in readable(tmp_path, asked)}
    assert found == {"public", "internal"}, "internal was not asked for: this law can fail"
    assert app.content.dropped == sum(true == "private" for _, true in asked.values())
    nothing_shows(tmp_path, asked)
