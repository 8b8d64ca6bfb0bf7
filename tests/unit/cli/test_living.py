"""What a running gateway says of a reload and of its end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.cli.living import drain, reload
from tidegate.core.errors import Misconfigured
from tidegate.surfaces.front import Drain


class Answers:
    """Stands where a running gateway stands, and comes back from a reload as it is told."""

    def __init__(self, outcome: Any = None) -> None:
        self.asgi = SimpleNamespace(drain=Drain())
        self.app = SimpleNamespace(config=SimpleNamespace(server=SimpleNamespace(drain_s=30.0)))
        self._outcome = outcome
        self.asked = 0

    async def reload(self) -> Any:
        self.asked += 1
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    async def drain(self) -> None:
        self.asgi.drain.cut_open()


def prepared(waits: tuple[str, ...] = (), warning: str | None = None) -> Any:
    certificate = SimpleNamespace(path=Path("c.pem"), warning=warning)
    return SimpleNamespace(
        app=SimpleNamespace(loaded=SimpleNamespace(file="t.toml", generation=7), certificate=certificate), waits=waits
    )


async def said(capsys: pytest.CaptureFixture[str], running: Any) -> str:
    await reload(running)
    return capsys.readouterr().err


async def test_a_reload_says_what_is_in_force_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    told = await said(capsys, Answers(prepared(("[server] port", "[ledger] path"), "chmod it")))
    assert told.splitlines() == [
        "reloaded t.toml: configuration 7 is in force for new requests",
        "  not before a restart: [server] port, [ledger] path",
        "warning: chmod it",
    ]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [(Misconfigured("config option x does not exist"), "option x"), (RuntimeError("secret"), "failed internally")],
)
async def test_what_is_refused_is_one_line_and_nothing_ends(
    capsys: pytest.CaptureFixture[str], outcome: Exception, word: str
) -> None:
    told = await said(capsys, Answers(outcome))
    assert told.startswith("not reloaded, the configuration before stays in force: ")
    assert (word in told, "secret" in told, len(told.splitlines())) == (True, False, 1)


async def test_while_it_is_being_stopped_nothing_is_reloaded(capsys: pytest.CaptureFixture[str]) -> None:
    running = Answers(prepared())
    running.asgi.drain.draining = True
    assert await said(capsys, running) == ""
    assert running.asked == 0


async def test_draining_says_how_many_are_open_and_how_many_were_cut(capsys: pytest.CaptureFixture[str]) -> None:
    running: Any = Answers()
    running.asgi.drain.enter(asyncio.create_task(asyncio.Event().wait()))
    await drain(running)
    assert capsys.readouterr().err.splitlines() == [
        "draining: 1 answer open, up to 30 s; a second signal does not wait",
        "draining: 1 cut before their end",
    ]


async def test_with_nothing_open_there_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    await drain(Answers())  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
