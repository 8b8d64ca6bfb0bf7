"""How many requests a backend gets at the same time; the others wait here, first come, first served.

llama.cpp and Ollama's engine take any number of requests and queue them where nobody sees it. Here the line has a
length, a limit of time and a place in `tidegate status`, and who leaves while waiting costs the backend nothing.
Knows nothing of requests or sockets.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tidegate.core.errors import BackendOverloaded, GatewayError
from tidegate.core.terms import Priority
from tidegate.core.timers import Timers


class Turn(NamedTuple):
    """Who waits. `client` is the name of its key, "" without one."""

    client: str = ""
    weight: float = 1.0
    priority: Priority = "normal"


NO_TERMS = Turn()


class Place:
    """One request at work. Given back once, however often it is left."""

    __slots__ = ("_lane",)

    def __init__(self, lane: Lane) -> None:
        self._lane: Lane | None = lane

    def leave(self, error: GatewayError | None = None) -> None:
        """`error` is how it failed; None: it was answered, or given up without the backend's fault."""
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.give_back()


class Lane:
    """The line before one backend. `total` None: no cap, requests are only counted."""

    def __init__(
        self,
        backend: str,
        total: int | None = None,
        *,
        places: int = 64,
        wait_s: float = 600.0,
        options: str | None = None,
        timers: Callable[[], Timers] = asyncio.get_running_loop,
    ) -> None:
        """`places` is the length of the line, `wait_s` the longest time in it; `options` names what can be raised."""
        self.used = 0
        self.total = total
        self._backend = backend
        self._options = options or f"`slots` or `queue` in [backends.{backend}]"
        self._places = places
        self.wait_s = wait_s
        self._timers = timers
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return sum(not turn.done() for turn in self._line)

    def resize(self, total: int | None) -> None:
        """A smaller total interrupts nobody: it is reached as answers end."""
        self.total = total
        self._admit()

    async def enter(self, turn: Turn = NO_TERMS) -> Place:
        """A slot, when it is this request's turn. Whoever takes it releases it, whatever happens."""
        total = self.total
        if total is None or self.used < total:
            self.used += 1
            return Place(self)
        if self.waiting >= self._places:
            raise BackendOverloaded(
                f"backend {self._backend!r} works on {self.used} requests and {self._places} wait for it; raise "
                f"{self._options}, or try again later"
            )
        chance: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(chance)
        timer = self._timers().call_later(self.wait_s, lambda: self._expire(chance))
        try:
            await chance
        except BaseException:
            if chance.done() and not chance.cancelled() and chance.exception() is None:
                self.give_back()  # its chance had come when the client left
            raise
        finally:
            timer.cancel()
            with suppress(ValueError):
                self._line.remove(chance)
        return Place(self)

    def give_back(self) -> None:
        """For `Place` alone."""
        self.used -= 1
        self._admit()

    def _has_room(self) -> bool:
        return self.total is None or self.used < self.total

    def _admit(self) -> None:
        while self._line and self._has_room():
            turn = self._line.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)

    def _expire(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            turn.set_exception(
                BackendOverloaded(
                    f"no slot of backend {self._backend!r} became free within {self.wait_s:g} s; raise {self._options}, "
                    "or `[timeouts] queue_s`, or try again later"
                )
            )
