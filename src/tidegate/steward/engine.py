"""The one embedded engine, kept running by the steward; workers know its state and where it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.backends.engine import Engine, EngineAddress, EngineState, unreachable
from tidegate.steward.link import Answers, Hears, Link

STATE, ASK = "engine.state", "engine.ask"


class _Seen(Struct, frozen=True, array_like=True):
    state: EngineState = "starting"
    last_error: str | None = None
    restarts: int = 0
    pid: int | None = None
    address: tuple[str, int, str] | None = None


class EngineDesk:
    """The steward's half. The key in the address is for the workers only; nobody logs what goes over the link."""

    def __init__(self, engine: Engine, workers: Callable[[], Iterable[Link]]) -> None:
        self._engine = engine
        self._workers = workers
        self.answers: Answers = {ASK: self._ask}
        engine.on_state = self.tell

    def tell(self) -> None:
        seen = self._now()
        for worker in self._workers():
            worker.tell(STATE, seen)

    async def _ask(self, _link: Link, _number: int, _value: Any) -> _Seen:
        return self._now()

    def _now(self) -> _Seen:
        engine, at = self._engine, self._engine.now_at
        return _Seen(
            engine.state,
            engine.last_error,
            engine.restarts,
            engine.pid,
            None if at is None else (at.host, at.port, at.key),
        )


class SharedEngine:
    """The worker's half: the engine as its backend sees it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._seen = _Seen()
        self._address: EngineAddress | None = None
        self._changed = asyncio.Event()
        self.hears: Hears = {STATE: self._hear}

    async def begin(self) -> None:
        self._take(await self._link.ask(ASK, kind=_Seen))

    @property
    def state(self) -> EngineState:
        return self._seen.state

    @property
    def last_error(self) -> str | None:
        return self._seen.last_error

    @property
    def restarts(self) -> int:
        return self._seen.restarts

    @property
    def pid(self) -> int | None:
        return self._seen.pid

    def start(self) -> None:
        """The steward has."""

    async def stop(self) -> None:
        """The steward will."""

    async def address(self, timeout_s: float) -> EngineAddress:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state in ("starting", "down"):
                    self._changed.clear()
                    await self._changed.wait()
        if self._address is not None:
            return self._address
        raise unreachable(self.state, self.last_error, again=bool(self.restarts))

    def _hear(self, _link: Link, value: Any) -> None:
        self._take(msgspec.convert(value, _Seen))

    def _take(self, seen: _Seen) -> None:
        before, self._seen = self._seen, seen
        if seen.address != before.address:
            self._address = None if seen.address is None else EngineAddress(*seen.address)
        self._changed.set()
