"""The lane before one backend: places for as many requests as it takes at once, and a line for the others.

Two things bound it: the slots of the backend, and the pace of the model that is asked for. llama.cpp and Ollama's engine
take any number of requests and queue them where nobody sees it; the hosted API refuses what is too much. Here the line
has a length, a limit of time, an order and a place in `tidegate status`, and who leaves while waiting costs the backend
nothing. Knows nothing of requests or sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tidegate.backends.base import Room
from tidegate.core.errors import ClientLeft, GatewayError, RateLimited
from tidegate.core.timers import Timers
from tidegate.resilience.fair import NO_TERMS, Turn
from tidegate.resilience.line import Line
from tidegate.resilience.pace import LONGEST_PAUSE_S, Pace
from tidegate.resilience.rules import PACED, QUEUED

_MOST_PACES = 256


class Waits(Protocol):
    """Who is told that it waits: the exchange."""

    queued: str | None
    queued_s: float
    queue_place: Callable[[], int] | None


class Place:
    """One request at work. Given back once, however often it is left."""

    __slots__ = ("_lane", "_pace", "_round")

    def __init__(self, lane: Lane, pace: Pace | None) -> None:
        self._lane: Lane | None = lane
        self._pace = pace
        self._round = 0 if pace is None else pace.round

    def leave(self, error: GatewayError | None = None) -> None:
        """`error` is how it failed; None: it was answered."""
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.give_back(self._pace, self._round, error)


class Lane:
    def __init__(
        self, room: Room, wait_s: float = 600.0, timers: Callable[[], Timers] = asyncio.get_running_loop
    ) -> None:
        """`wait_s` is the longest time in the line."""
        self.room = room
        self.used = 0
        self.line = Line(room, wait_s, timers)
        self.paces: dict[str, Pace] = {}
        self._timers = timers

    def adopt(self, room: Room) -> None:
        """More slots let more in; fewer interrupt nobody: the number is reached as answers end."""
        self.room = self.line.room = room
        self._admit()

    def take(self, model: str) -> Place | None:
        """A place at once; None: there is none. Nobody is overtaken: where there is room, nobody waits for it."""
        room = self.room
        pace = self._pace(model) if room.paced else None
        if (room.slots is not None and self.used >= room.slots) or (pace is not None and pace.in_flight >= pace.most):
            return None
        return self._place(pace)

    async def enter(self, model: str = "", turn: Turn = NO_TERMS, waits: Waits | None = None) -> Place:
        """A place, when it is this request's turn. Whoever takes it leaves it, whatever happens."""
        place = self.take(model)
        if place is not None:
            return place
        waiter = self.line.join(turn, model, (PACED if self._has_slot else QUEUED).code)
        if waits is not None:
            waits.queue_place = lambda: waiter.before
        try:
            return await waiter.chance
        except BaseException:
            chance = waiter.chance
            if chance.done() and not chance.cancelled() and chance.exception() is None:
                chance.result().leave(ClientLeft("the client left"))  # its turn had come in that moment
            raise
        finally:
            waited_s = self.line.left(waiter)
            if waits is not None:
                waits.queue_place, waits.queued = None, waiter.code
                waits.queued_s += waited_s

    def give_back(self, pace: Pace | None, began: int, error: GatewayError | None) -> None:
        """For `Place` alone. `began` is the pace's round when the place was taken."""
        if pace is not None:
            if isinstance(error, RateLimited):
                pace.refused(error, began, self._timers().time())
                if error.retry_after_s and not pace.paused:
                    self._pause(pace, error.retry_after_s)
            elif error is None and pace.in_flight >= pace.most:
                pace.passed(self._timers().time())
            pace.in_flight -= 1
        self.used -= 1
        if self.line.waiting:
            self._admit()

    @property
    def _has_slot(self) -> bool:
        return self.room.slots is None or self.used < self.room.slots

    def _place(self, pace: Pace | None) -> Place:
        self.used += 1
        if pace is not None:
            pace.in_flight += 1
        return Place(self, pace)

    def _pace(self, model: str) -> Pace:
        pace = self.paces.get(model)
        if pace is None:
            if len(self.paces) >= _MOST_PACES:  # a server that takes any name is asked for any
                self.paces = {name: one for name, one in self.paces.items() if not one.is_blank}
            pace = self.paces[model] = Pace(dict(self.room.published).get(model))
        return pace

    def _pause(self, pace: Pace, pause_s: float) -> None:
        pace.pause(True)

        def go_on() -> None:
            pace.pause(False)
            self._admit()

        self._timers().call_later(min(pause_s, LONGEST_PAUSE_S), go_on)

    def _admit(self) -> None:
        while self.line.waiting and self._has_slot:
            waiter = self.line.take(self._is_open)
            if waiter is None:
                return
            waiter.chance.set_result(self._place(self._pace(waiter.door) if waiter.door else None))

    def _is_open(self, door: str) -> bool:
        pace = self.paces.get(door)
        return pace is None or pace.in_flight < pace.most
