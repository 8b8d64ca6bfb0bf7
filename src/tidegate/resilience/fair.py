"""Who of those that wait is next: by priority, then by each key's share, then by age. Pure: no clock, no event loop.

Between keys this is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) where every request costs the same: a
key that is served goes back by 1 / weight, the key that is least far is next, and one that comes anew begins where the
others are. So a key with a thousand requests does not stand before another's single one. A step costs the logarithm of
the number of keys; nobody walks along the line.

A request waits at a door: where the model that it asks for takes nothing now, its door is shut, and others go before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from tidegate.core.terms import Priority

RANK_OF: dict[Priority, int] = {"high": 0, "normal": 1, "low": 2}
RANKS = len(RANK_OF)
_ROUNDING = 1e-6


class Turn(NamedTuple):
    """Who waits. `client` is the name of its key, "" without one."""

    client: str = ""
    weight: float = 1.0
    priority: Priority = "normal"


NO_TERMS = Turn()


class Ticket:
    """One who waits. `rank` 0 is served first; `number` is given when it joins a queue, and grows with each."""

    __slots__ = ("client", "door", "number", "rank", "weight")

    def __init__(self, turn: Turn, door: str = "") -> None:
        self.number = 0
        self.client = turn.client
        self.weight = turn.weight
        self.rank = RANK_OF[turn.priority]
        self.door = door


W = TypeVar("W", bound=Ticket)


class _Share(Generic[W]):
    """A key within one rank. `tag` is how far it has come; it waits at some doors."""

    __slots__ = ("client", "lines", "tag", "waiting", "weight")

    def __init__(self, client: str) -> None:
        self.client = client
        self.weight = 1.0
        self.tag = 0.0
        self.waiting = 0
        self.lines: dict[str, _Line[W]] = {}

    def until(self, tag: float, number: int, now: float) -> int:
        """How often it is served before one with this tag and this number. If it is behind `now`, because its doors were
        shut, it is served once by its own tag and goes on from there."""
        if self.tag < now and tag <= now:
            return int((self.tag, self._first) < (tag, number))
        steps = (tag - max(self.tag, now)) * self.weight
        if abs(steps - round(steps)) > _ROUNDING:
            return max(0, ceil(steps))
        return max(0, round(steps) + (self._first < number))

    @property
    def _first(self) -> int:
        return min(next(iter(line.waiters)).number for line in self.lines.values() if line.waiters)


class _Line(Generic[W]):
    """What one key has waiting at one door. It stands in the door's heap exactly once, also when it is empty."""

    __slots__ = ("share", "waiters")

    def __init__(self, share: _Share[W]) -> None:
        self.share = share
        self.waiters: OrderedDict[W, None] = OrderedDict()


class _Entry(NamedTuple, Generic[W]):
    """`tag` and `number` may be older than those of share and first waiter, never newer. Numbers are unique, so lines are
    never compared."""

    tag: float
    number: int
    line: _Line[W]


class _Rank(Generic[W]):
    __slots__ = ("doors", "now", "shares", "waiting")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nobody waits, so nobody is ahead of anybody."""
        self.now = 0.0
        self.waiting = 0
        self.shares: dict[str, _Share[W]] = {}
        self.doors: dict[str, list[_Entry[W]]] = {}

    def push(self, ticket: W) -> None:
        share = self.shares.get(ticket.client)
        if share is None:
            share = self.shares[ticket.client] = _Share[W](ticket.client)
        share.weight = ticket.weight
        if not share.waiting:
            share.tag = max(share.tag, self.now)
        line = share.lines.get(ticket.door)
        if line is None:
            line = share.lines[ticket.door] = _Line(share)
            heappush(self.doors.setdefault(ticket.door, []), _Entry(share.tag, ticket.number, line))
        line.waiters[ticket] = None
        share.waiting += 1
        self.waiting += 1

    def remove(self, ticket: W) -> None:
        share = self.shares[ticket.client]
        del share.lines[ticket.door].waiters[ticket]
        self._left(share, ticket.door)

    def _left(self, share: _Share[W], door: str) -> None:
        share.waiting -= 1
        self.waiting -= 1
        if not self.waiting:
            self.clear()
        elif not share.lines[door].waiters:
            self._settle(door)

    def _settle(self, door: str) -> _Entry[W] | None:
        """The entry that is next at this door, once those of before are gone or put right."""
        heap = self.doors[door]
        while heap:
            tag, number, line = heap[0]
            if not line.waiters:
                heappop(heap)
                del line.share.lines[door]
                continue
            first = next(iter(line.waiters)).number
            if tag < line.share.tag or number < first:
                heapreplace(heap, _Entry(line.share.tag, first, line))
            else:
                return heap[0]
        del self.doors[door]
        return None

    def take(self, is_open: Callable[[str], bool]) -> W | None:
        best: _Entry[W] | None = None
        at = ""
        for door in [door for door in self.doors if is_open(door)]:
            first = self._settle(door)
            if first is not None and (best is None or first < best):
                best, at = first, door
        if best is None:
            return None
        share = best.line.share
        ticket, _ = best.line.waiters.popitem(last=False)
        # Who had to wait at a shut door is not owed what the others got meanwhile: at most this one request.
        self.now = max(self.now, share.tag)
        share.tag = self.now + 1 / share.weight
        if best.line.waiters:
            heapreplace(self.doors[at], _Entry(share.tag, next(iter(best.line.waiters)).number, best.line))
        self._left(share, at)
        return ticket

    def order(self) -> Iterator[W]:
        """All of them as they will be served if nobody comes, nobody leaves and all doors are open."""
        waiters: list[list[W]] = []
        heap: list[tuple[float, int, int, int, float]] = []
        for share in self.shares.values():
            if share.waiting:
                own = sorted((one for line in share.lines.values() for one in line.waiters), key=lambda one: one.number)
                heap.append((share.tag, own[0].number, len(waiters), 0, share.weight))
                waiters.append(own)
        heapify(heap)
        now = self.now
        while heap:
            tag, _, at, place, weight = heap[0]
            own = waiters[at]
            yield own[place]
            now = max(now, tag)
            if place + 1 < len(own):
                heapreplace(heap, (now + 1 / weight, own[place + 1].number, at, place + 1, weight))
            else:
                heappop(heap)


class Count(NamedTuple):
    """How many a key has waiting in one rank."""

    rank: int
    client: str
    waiting: int
    weight: float


class FairQueue(Generic[W]):
    def __init__(self) -> None:
        self._number = 0
        self._ranks = tuple(_Rank[W]() for _ in range(RANKS))
        self._asked = False
        self._places: dict[W, int] | None = None

    def __len__(self) -> int:
        return sum(rank.waiting for rank in self._ranks)

    def push(self, ticket: W) -> None:
        self._changed()
        self._number = ticket.number = self._number + 1
        self._ranks[ticket.rank].push(ticket)

    def remove(self, ticket: W) -> None:
        self._changed()
        self._ranks[ticket.rank].remove(ticket)

    def take(self, is_open: Callable[[str], bool]) -> W | None:
        """The next one whose door is open, taken out; None: there is none."""
        self._changed()
        for rank in self._ranks:
            if rank.waiting and (ticket := rank.take(is_open)) is not None:
                return ticket
        return None

    def before(self, ticket: W) -> int:
        """How many will be served before it if nobody comes and nobody leaves. Who asks for many at once asks for all."""
        if self._places is None:
            if not self._asked:
                self._asked = True
                return self._before(ticket)
            order = (one for rank in self._ranks for one in rank.order())
            self._places = {one: place for place, one in enumerate(order)}
        return self._places[ticket]

    def _changed(self) -> None:
        self._asked, self._places = False, None

    def _before(self, ticket: W) -> int:
        """For one alone: walks over its own key's and over the keys."""
        rank = self._ranks[ticket.rank]
        own = rank.shares[ticket.client]
        ahead = sum(other.number < ticket.number for line in own.lines.values() for other in line.waiters)
        reach = max(own.tag, rank.now) + ahead / own.weight if ahead else own.tag
        for share in rank.shares.values():
            if share is not own and share.waiting:
                ahead += min(share.waiting, share.until(reach, ticket.number, rank.now))
        return ahead + sum(higher.waiting for higher in self._ranks[: ticket.rank])

    def counts(self) -> Iterator[Count]:
        for number, rank in enumerate(self._ranks):
            for share in rank.shares.values():
                if share.waiting:
                    yield Count(number, share.client, share.waiting, share.weight)

    def last_of(self, rank: int, client: str) -> W:
        """The one of this key that would be served last."""
        lines = self._ranks[rank].shares[client].lines.values()
        return max((next(reversed(line.waiters)) for line in lines if line.waiters), key=lambda one: one.number)
