"""One queue and one number of slots per backend, over all workers.

The steward has the lanes; a worker asks for a place there and gives it back. What a worker holds is known by its link, so
that all of it is free again when the worker is gone. Where a backend has no limit nobody is asked: the worker counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.backends.base import Room
from tidegate.core.errors import ClientLeft, GatewayError
from tidegate.core.timers import Timers
from tidegate.resilience.lane import Turn, Waits
from tidegate.resilience.lanes import LaneView, OwnLanes, Place
from tidegate.steward.errors import Told, error_of, told
from tidegate.steward.link import Answers, Hears, Link

ENTER, LEAVE, PLACES, COUNTS, VIEW = "lanes.enter", "lanes.leave", "lanes.places", "lanes.counts", "lanes.view"
FORGET = "lanes.forget"
MEASURING = Room("(measuring)", 1, 10_000)
"""A lane of one place for who measures; no backend is called so, and it is not shown."""
TELL_PLACES_S = 0.5
TELL_COUNTS_S = 0.2


class _Entering(Struct, frozen=True, array_like=True):
    room: Room
    model: str
    turn: Turn


class _Waited(Struct, frozen=True, array_like=True):
    queued: str | None
    queued_s: float


class _Leaving(Struct, frozen=True, array_like=True):
    number: int
    error: Told | None = None


@dataclass(slots=True)
class _Waiting:
    """Stands for the worker's exchange in the lane."""

    queued: str | None = None
    queued_s: float = 0.0
    queue_place: Callable[[], int] | None = None


@dataclass(slots=True)
class _Held:
    """What one worker has in the lanes."""

    places: dict[int, Place] = field(default_factory=dict[int, Place])
    waiting: dict[int, _Waiting] = field(default_factory=dict[int, _Waiting])
    uncapped: dict[str, int] = field(default_factory=dict[str, int])


class LaneDesk:
    """The steward's half."""

    def __init__(self, lanes: OwnLanes, timers: Callable[[], Timers] = asyncio.get_running_loop) -> None:
        self._lanes = lanes
        self._timers = timers
        self._held: dict[Link, _Held] = {}
        self._telling = False
        self.answers: Answers = {ENTER: self._enter, VIEW: self._view}
        self.hears: Hears = {LEAVE: self._leave, COUNTS: self._count, FORGET: self._forget}

    def end(self, link: Link) -> None:
        """The worker is gone: what it held is free. Its answers ended without a word of the backends' fault."""
        held = self._held.pop(link, None)
        if held is not None:
            for place in held.places.values():
                place.leave(ClientLeft("the process that answered is gone"))

    def back(self, link: Link, number: int) -> None:
        """The client had left before the worker heard of its place."""
        held = self._held.get(link)
        if held is not None and (place := held.places.pop(number, None)) is not None:
            place.leave(ClientLeft("the client left"))

    def view(self) -> list[LaneView]:
        """With what the workers count themselves."""
        uncapped: Counter[str] = Counter()
        for held in self._held.values():
            uncapped.update(held.uncapped)
        shown = {view.backend: view for view in self._lanes.view()}
        for backend, used in uncapped.items():
            known = shown.get(backend)
            shown[backend] = (
                LaneView(backend, used, None, 0) if known is None else known._replace(used=known.used + used)
            )
        shown.pop(MEASURING.backend, None)
        return list(shown.values())

    async def _enter(self, link: Link, number: int, value: Any) -> Any:
        asked = msgspec.convert(value, _Entering)
        held = self._held.setdefault(link, _Held())
        waiting = held.waiting[number] = _Waiting()
        self._tell_places_later()
        try:
            place = await self._lanes.enter(asked.room, asked.model, asked.turn, waiting)
        finally:
            held.waiting.pop(number, None)
        held.places[number] = place
        return _Waited(waiting.queued, waiting.queued_s)

    async def _view(self, _link: Link, _number: int, _value: Any) -> Any:
        return self.view()

    def _leave(self, link: Link, value: Any) -> None:
        leaving = msgspec.convert(value, _Leaving)
        held = self._held.get(link)
        if held is not None and (place := held.places.pop(leaving.number, None)) is not None:
            place.leave(None if leaving.error is None else error_of(leaving.error))

    def _count(self, link: Link, value: Any) -> None:
        self._held.setdefault(link, _Held()).uncapped = msgspec.convert(value, dict[str, int])

    def _forget(self, _link: Link, value: Any) -> None:
        self._lanes.forget(str(value))

    def _tell_places_later(self) -> None:
        if not self._telling:
            self._telling = True
            self._timers().call_later(TELL_PLACES_S, self._tell_places)

    def _tell_places(self) -> None:
        """Who waits is told now and then how many are before it; who waits no longer than that need not be told."""
        self._telling = False
        for link, held in self._held.items():
            places = {number: one.queue_place() for number, one in held.waiting.items() if one.queue_place is not None}
            if places:
                link.tell(PLACES, list(places.items()))
                self._tell_places_later()


class _RemotePlace:
    __slots__ = ("_link", "_number")

    def __init__(self, link: Link, number: int) -> None:
        self._link = link
        self._number = number

    def leave(self, error: GatewayError | None = None) -> None:
        number, self._number = self._number, 0
        if number:
            self._link.tell(LEAVE, _Leaving(number, None if error is None else told(error)))


class _CountedPlace:
    """Of a backend without any limit."""

    __slots__ = ("_backend", "_lanes")

    def __init__(self, lanes: SharedLanes, backend: str) -> None:
        self._lanes: SharedLanes | None = lanes
        self._backend = backend
        lanes.count(backend, 1)

    def leave(self, error: GatewayError | None = None) -> None:
        del error
        lanes, self._lanes = self._lanes, None
        if lanes is not None:
            lanes.count(self._backend, -1)


class SharedLanes:
    """The worker's half."""

    def __init__(self, link: Link, timers: Callable[[], Timers] = asyncio.get_running_loop) -> None:
        self._link = link
        self._timers = timers
        self._uncapped: Counter[str] = Counter()
        self._counting = False
        self._places: dict[int, int] = {}
        self._seen: list[LaneView] = []
        self.hears: Hears = {PLACES: self._hear_places}

    async def enter(self, room: Room, model: str, turn: Turn, waits: Waits | None = None) -> Place:
        if room.slots is None and not room.paced:
            return _CountedPlace(self, room.backend)
        number = self._link.next_number()
        if waits is not None:
            self._places[number] = 0
            waits.queue_place = lambda: self._places.get(number, 0)
        try:
            waited = await self._link.ask(ENTER, _Entering(room, model, turn), _Waited, number=number)
        finally:
            if waits is not None:
                waits.queue_place = None
                del self._places[number]
        if waits is not None and waited.queued is not None:
            waits.queued = waited.queued
            waits.queued_s += waited.queued_s
        return _RemotePlace(self._link, number)

    def view(self) -> list[LaneView]:
        """As of the last `look`."""
        return self._seen

    async def look(self) -> None:
        """Ask what all workers have there now."""
        self._tell_counts()
        self._seen = await self._link.ask(VIEW, kind=list[LaneView])

    def adjust(self, wait_s: float) -> None:
        """The steward does."""

    def forget(self, name: str) -> None:
        self._link.tell(FORGET, name)

    def count(self, backend: str, change: int) -> None:
        """For `_CountedPlace` alone. Told now and then: it is only shown."""
        self._uncapped[backend] += change
        if not self._counting:
            self._counting = True
            self._timers().call_later(TELL_COUNTS_S, self._tell_counts)

    def _tell_counts(self) -> None:
        self._counting = False
        self._link.tell(COUNTS, self._uncapped)

    def _hear_places(self, _link: Link, value: Any) -> None:
        for number, place in msgspec.convert(value, list[tuple[int, int]]):
            if number in self._places:
                self._places[number] = place
