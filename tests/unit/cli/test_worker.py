"""A worker by itself: what the steward orders it serves, and what cannot be served it says. The journeys have the rest."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.links import join

from tidegate.cli.worker import Worker
from tidegate.config import parse_config
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.link import Link
from tidegate.steward.orders import BEGIN, DRAIN, FAILED, READY, Order, Ready
from tidegate.steward.steward import Steward


class House:
    def __init__(self, written: dict[str, Any]) -> None:
        self.order = Order(1, msgspec.msgpack.encode(parse_config(written)), None, None)
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        hears = {word: self._hearer(word) for word in (READY, FAILED)}
        self.stewards = Steward(OwnLanes()).new_link({BEGIN: self._begin}, hears)
        link = Link({}, {})
        join(self.stewards, link)
        self.worker = Worker(link, socket.create_server(("127.0.0.1", 0)))

    def _hearer(self, word: str) -> Any:
        return lambda _link, value: self.told.put_nowait((word, value))

    async def _begin(self, _link: Link, _number: int, _value: Any) -> Order:
        return self.order


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


QUIET: dict[str, Any] = {"embedded": {"enabled": False}, "probe": {"enabled": False}}


async def test_it_serves_what_it_was_ordered_until_it_is_told_to_end() -> None:
    house = House(QUIET | {"backends": {"home": {"kind": "fake"}}})
    serving = asyncio.create_task(house.worker.serve())
    word, value = await house.told.get()
    assert word == READY
    assert any("home (device, up): fake" in line for line in msgspec.convert(value, Ready).lines)
    house.stewards.tell(DRAIN)
    assert await serving == 0


async def test_what_cannot_be_served_it_says_and_ends() -> None:
    house = House(QUIET | {"server": {"host": "0.0.0.0"}})
    assert await house.worker.serve() == 2
    word, value = await house.told.get()
    assert (word, "[[clients]]" in value) == (FAILED, True)
    house.worker._listener.close()
