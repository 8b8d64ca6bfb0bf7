"""The line before one backend: who waits there, for how long at most, and who must go when it is full.

The order is `fair`'s. Here are the events of it: one who comes, one whose time passes, one who gives up. Who gives up is
out of the line in that moment, so that its place can be taken at once. Knows nothing of slots and paces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tidegate.backends.base import Room
from tidegate.core.errors import BackendOverloaded, GatewayError, RateLimited
from tidegate.core.timers import Timer, Timers
from tidegate.resilience.fair import RANK_OF, RANKS, Count, FairQueue, Ticket, Turn
from tidegate.resilience.rules import MOVED_UP

_LEAST_RETRY_S, _USUAL_RETRY_S, _MOST_RETRY_S = 1.0, 5.0, 60.0
_SMOOTHING = 0.2
"""The part that the last interval has in the rate at which the line is served."""


class Chance(asyncio.Future[Any]):
    """What a waiter waits for: its place."""

    given_up: Callable[[], None]

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self.given_up()
        return cancelled


class Waiter(Ticket):
    """Its door is the model where that has a pace. `code` is that of the rule by which it waits."""

    __slots__ = ("chance", "code", "queue", "since_s", "timer", "waits_for")

    chance: Chance
    code: str
    queue: FairQueue[Waiter]
    since_s: float
    timer: Timer
    waits_for: str

    @property
    def before(self) -> int:
        """0 too once its turn has come, and it does not know yet."""
        return 0 if self.chance.done() else self.queue.before(self)


class Line:
    def __init__(self, room: Room, wait_s: float, timers: Callable[[], Timers]) -> None:
        """`wait_s` is the longest time in it. With each third of that a waiter moves up by a priority."""
        self.room = room
        self.waiting = 0
        self.wait_s = wait_s
        self._timers = timers
        self._queues: dict[str, FairQueue[Waiter]] = {}
        self._served_s: float | None = None
        self._interval_s: float | None = None

    def join(self, turn: Turn, model: str, code: str) -> Waiter:
        """One more waits. With slots, models and keys share one queue; without, each model has one, as limits are apart."""
        if self.waiting >= self.room.queue:
            self._make_room(turn)
        timers = self._timers()
        waiter = Waiter(turn, model if self.room.paced else "")
        waiter.code, waiter.since_s = code, timers.time()
        waiter.chance = Chance(loop=asyncio.get_running_loop())
        waiter.chance.given_up = lambda: self._drop(waiter)
        waiter.waits_for = model if self.room.slots is None else ""
        waiter.queue = self._queues.setdefault(waiter.waits_for, FairQueue())
        waiter.queue.push(waiter)
        self.waiting += 1
        waiter.timer = timers.call_later(self.wait_s / RANKS, lambda: self._age(waiter, 1))
        return waiter

    def left(self, waiter: Waiter) -> float:
        """It waits no more, for whatever reason. Seconds that it waited."""
        if not waiter.chance.done():
            waiter.chance.cancel()
        return self._timers().time() - waiter.since_s

    def take(self, is_open: Callable[[str], bool]) -> Waiter | None:
        """The next one whose model takes one more, out of the line; None: there is none."""
        for queue in self._queues.values():
            waiter = queue.take(is_open)
            if waiter is not None:
                self._note_served()
                self._gone(waiter)
                return waiter
        return None

    def clients(self) -> dict[str, int]:
        """How many each key has waiting."""
        found: dict[str, int] = {}
        for _, count in self._counts():
            found[count.client] = found.get(count.client, 0) + count.waiting
        return found

    def _counts(self) -> list[tuple[FairQueue[Waiter], Count]]:
        return [(queue, count) for queue in self._queues.values() for count in queue.counts()]

    def _drop(self, waiter: Waiter) -> None:
        waiter.queue.remove(waiter)
        self._gone(waiter)

    def _gone(self, waiter: Waiter) -> None:
        waiter.timer.cancel()
        self.waiting -= 1
        if not self.waiting:
            self._served_s = None  # what comes after is no interval between two that waited
        if not len(waiter.queue):
            self._queues.pop(waiter.waits_for, None)

    def _age(self, waiter: Waiter, thirds: int) -> None:
        if thirds == RANKS:
            self._drop(waiter)
            waiter.chance.set_exception(
                BackendOverloaded(
                    f"no place at backend {self.room.backend!r} became free within {self.wait_s:g} s; raise "
                    f"{self._options}, or `[timeouts] queue_s`, or try again later",
                    retry_after_s=self._retry_after_s(),
                )
            )
            return
        if waiter.rank:
            waiter.queue.remove(waiter)
            waiter.rank -= 1
            waiter.queue.push(waiter)
            waiter.code = MOVED_UP.code
        left_s = waiter.since_s + self.wait_s * (thirds + 1) / RANKS - self._timers().time()
        waiter.timer = self._timers().call_later(max(0.0, left_s), lambda: self._age(waiter, thirds + 1))

    def _make_room(self, turn: Turn) -> None:
        """It is full. The last one of the key that has most in it for its weight, or of a lower priority, must go.

        Raises where that is the one who comes. Walks over the keys, not over those that wait."""
        rank, waiting = RANK_OF[turn.priority], 0
        heaviest: tuple[FairQueue[Waiter], Count] | None = None
        most = (rank, 0.0)
        for queue, count in self._counts():
            if (count.rank, count.client) == (rank, turn.client):
                waiting += count.waiting
            elif (count.rank, count.waiting / count.weight) > most:
                heaviest, most = (queue, count), (count.rank, count.waiting / count.weight)
        if heaviest is None or most <= (rank, (waiting + 1) / turn.weight):
            raise self._full(too_many=heaviest is not None and waiting > 0)
        queue, count = heaviest
        waiter = queue.last_of(count.rank, count.client)
        self._drop(waiter)
        waiter.chance.set_exception(self._full(too_many=True))

    def _full(self, *, too_many: bool) -> GatewayError:
        """`too_many`: not for the backend's sake alone, others were let before it."""
        room, retry_after_s = self.room, self._retry_after_s()
        if too_many:
            return RateLimited(
                f"{room.queue} requests wait for backend {room.backend!r}, and this key has its share of them, or a lower "
                "priority than others; send fewer at once",
                retry_after_s=retry_after_s,
            )
        return BackendOverloaded(
            f"backend {room.backend!r} is at work and {room.queue} requests wait for it; raise {self._options}, or try "
            "again later",
            retry_after_s=retry_after_s,
        )

    @property
    def _options(self) -> str:
        return self.room.options or f"`slots` or `queue` in [backends.{self.room.backend}]"

    def _note_served(self) -> None:
        now_s, last_s = self._timers().time(), self._served_s
        self._served_s = now_s
        if last_s is not None:
            interval_s, before_s = min(now_s - last_s, _MOST_RETRY_S), self._interval_s
            self._interval_s = interval_s if before_s is None else before_s + _SMOOTHING * (interval_s - before_s)

    def _retry_after_s(self) -> float:
        """About when the line as it stands has been served."""
        if self._interval_s is None:
            return _USUAL_RETRY_S
        return min(max(self._interval_s * self.waiting, _LEAST_RETRY_S), _MOST_RETRY_S)
