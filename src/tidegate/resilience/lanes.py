"""A lane for each backend: where requests wait for their turn, and how many are at work. The guard's queue and pacing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tidegate.backends.base import Room
from tidegate.core.errors import GatewayError
from tidegate.core.timers import Timers
from tidegate.resilience.lane import Lane, Turn, Waits
from tidegate.resilience.pace import PaceView


class LaneView(NamedTuple):
    """`total` None: no cap is known. `clients`: how many each key has waiting."""

    backend: str
    used: int
    total: int | None
    waiting: int
    clients: tuple[tuple[str, int], ...] = ()
    paces: tuple[PaceView, ...] = ()


class Place(Protocol):
    def leave(self, error: GatewayError | None = None) -> None:
        """The request is over. `error` is how it failed; None: it was answered."""
        ...


class Lanes(Protocol):
    """Where requests wait. In one process, or shared by several."""

    async def enter(self, room: Room, model: str, turn: Turn, waits: Waits | None = None) -> Place:
        """A place at work, when it is this request's turn; `waits` is told of the waiting.

        Raises BackendOverloaded where the line is full or too slow, RateLimited where the key's own requests fill it."""
        ...

    def view(self) -> list[LaneView]: ...


class OwnLanes:
    """The lanes of one process."""

    def __init__(self, wait_s: float = 600.0, timers: Callable[[], Timers] = asyncio.get_running_loop) -> None:
        """`wait_s` is the longest time in a line."""
        self._wait_s = wait_s
        self._timers = timers
        self._lanes: dict[str, Lane] = {}

    async def enter(self, room: Room, model: str, turn: Turn, waits: Waits | None = None) -> Place:
        lane = self._lanes.get(room.backend)
        if lane is None:
            lane = self._lanes[room.backend] = Lane(room, self._wait_s, self._timers)
        elif lane.room is not room and lane.room != room:
            lane.adopt(room)
        return lane.take(model) or await lane.enter(model, turn, waits)

    def adjust(self, wait_s: float) -> None:
        """Another longest time, for who comes from now on."""
        self._wait_s = wait_s
        for lane in self._lanes.values():
            lane.line.wait_s = wait_s

    def forget(self, name: str) -> None:
        """Its backend is gone. A lane in which someone is stays: the backend may come back."""
        lane = self._lanes.get(name)
        if lane is not None and not lane.used and not lane.line.waiting:
            del self._lanes[name]

    def view(self) -> list[LaneView]:
        return [
            LaneView(
                name,
                lane.used,
                lane.room.slots,
                lane.line.waiting,
                tuple(lane.line.clients().items()),
                tuple(pace.view(model) for model, pace in lane.paces.items()),
            )
            for name, lane in self._lanes.items()
        ]
