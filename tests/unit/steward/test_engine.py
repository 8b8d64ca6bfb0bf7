"""The engine seen from a worker: state and address as the steward's, waiting for a start, and the same words when it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.backends.engine import Engine, EngineAddress, EngineSettings
from tidegate.core.errors import BackendUnreachable
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.engine import SharedEngine
from tidegate.steward.steward import Steward

SETTINGS = EngineSettings(Path("m.gguf"), "m", 512, 2, 1, "")


async def seen() -> tuple[Engine, SharedEngine]:
    engine = Engine(SETTINGS)
    link = worker_of(Steward(OwnLanes(), engine=engine).new_link)
    shared = SharedEngine(link)
    link.learn(hears=[shared.hears])
    await shared.begin()
    return engine, shared


async def test_who_waits_gets_the_address_when_it_has_started() -> None:
    engine, shared = await seen()
    engine._enter("starting")
    await breath()
    waiting = asyncio.create_task(shared.address(60))
    await breath()
    assert (shared.state, waiting.done()) == ("starting", False)
    engine._address = EngineAddress("127.0.0.1", 5000, "sk-engine")
    engine._enter("ready")
    assert await waiting == EngineAddress("127.0.0.1", 5000, "sk-engine")
    again = await shared.address(60)
    assert await shared.address(60) is again


async def test_a_restart_gives_another_address_and_none_between() -> None:
    engine, shared = await seen()
    engine._address = EngineAddress("127.0.0.1", 5000, "a")
    engine._enter("ready")
    await breath()
    before = await shared.address(1)
    engine._address = None
    engine._enter("down")
    await breath()
    waiting = asyncio.create_task(shared.address(60))
    await breath()
    engine._address = EngineAddress("127.0.0.1", 5001, "b")
    engine._enter("ready")
    assert (before.port, (await waiting).port) == (5000, 5001)


async def test_what_cannot_run_says_why_as_in_one_process() -> None:
    engine, shared = await seen()
    engine._last_error = "the file is broken"
    engine._enter("failed")
    await breath()
    with pytest.raises(BackendUnreachable) as far:
        await shared.address(1)
    with pytest.raises(BackendUnreachable) as near:
        await engine.address(1)
    assert far.value.message == near.value.message == "The embedded engine cannot run: the file is broken"
    assert shared.last_error == "the file is broken"


async def test_a_worker_neither_starts_nor_stops_it() -> None:
    engine, shared = await seen()
    shared.start()
    await shared.stop()
    await breath()
    assert (engine.state, shared.state, shared.pid, shared.restarts) == ("stopped", "stopped", None, 0)
