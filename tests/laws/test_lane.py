"""The law of the lane: never more at work than it takes, no place lost, each key its share, and nobody starved or forgotten,
whatever happens in which order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hands import Hands, breath

from tidegate.backends.base import Room
from tidegate.core.errors import BackendOverloaded, RateLimited
from tidegate.core.exchange import Exchange
from tidegate.core.terms import Priority
from tidegate.resilience.fair import RANK_OF, FairQueue, Ticket, Turn
from tidegate.resilience.lane import Lane, Place
from tidegate.resilience.line import Chance, Line
from tidegate.resilience.pace import Pace

PLACES = 4
WAIT_S = 30.0
CLIENTS = (
    Turn("a"),
    Turn("b", 2.0),
    Turn("a", priority="low"),
    Turn("c", 0.5, "high"),
)
MODELS = ("flash", "pro")

# What happens, with a number that says to whom; `breath` lets the tasks run, so that much may happen in one moment.
happenings = st.tuples(
    st.sampled_from(["arrives"] * 6 + ["is done"] * 5 + ["is refused", "leaves", "leaves", "resize", "time", "breath"]),
    st.integers(0, 63),
)


@dataclass
class One:
    """Everything about one request."""

    model: str
    turn: Turn
    exchange: Exchange
    fate: str = "waits"
    error: RateLimited | None = None


class Scene:
    """A lane and everyone who ever came to it, by number."""

    def __init__(self, slots: int | None, limit: int | None) -> None:
        self.hands = Hands()
        self.limit = limit
        self.lane = Lane(self._room(slots), WAIT_S, self.hands)
        self.inside: dict[int, Place] = {}
        self.ones: list[One] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.done: list[asyncio.Event] = []

    def _room(self, slots: int | None) -> Room:
        published = () if self.limit is None else tuple((model, self.limit) for model in MODELS)
        return Room("home", slots, PLACES, "", True, published)

    def check(self) -> None:
        """What holds at every moment, whoever has run by then."""
        lane, room = self.lane, self.lane.room
        assert 0 <= lane.line.waiting <= PLACES, "the line has no such length"
        assert lane.used == sum(pace.in_flight for pace in lane.paces.values()), (
            "a place is counted twice or not at all"
        )
        waiting = {one.door for queue in lane.line._queues.values() for one in tickets(queue)}
        for model in waiting:
            pace = lane.paces.get(model, Pace())
            has_slot = room.slots is None or lane.used < room.slots
            assert not (has_slot and pace.in_flight < pace.most), "somebody waits although there is room"

    async def request(self, number: int) -> None:
        one = self.ones[number]
        try:
            place = await self.lane.enter(one.model, one.turn, one.exchange)
        except (BackendOverloaded, RateLimited):
            one.fate = "refused"
            return
        one.fate = "served"
        self.inside[number] = place
        try:
            await self.done[number].wait()
        finally:
            del self.inside[number]
            place.leave(one.error)

    def come(self, number: int) -> None:
        turn, model = CLIENTS[number % len(CLIENTS)], MODELS[number // len(CLIENTS) % len(MODELS)]
        self.ones.append(One(model, turn, Exchange(f"ex_{len(self.ones)}", "chat", 0.0)))
        self.done.append(asyncio.Event())
        self.tasks.append(asyncio.create_task(self.request(len(self.tasks))))

    def _admitting(self, place: Callable[..., Place]) -> Callable[..., Place]:
        def admit(pace: Pace | None) -> Place:
            slots = self.lane.room.slots
            assert slots is None or self.lane.used < slots, "more are at work than there are slots"
            assert pace is None or pace.in_flight < pace.most, "more are at work than the model takes"
            return place(pace)

        return admit

    async def play(self, happening: list[tuple[str, int]]) -> None:
        self.lane._place = self._admitting(self.lane._place)  # type: ignore[method-assign]
        for what, number in happening:
            open_ones = [one for one, task in enumerate(self.tasks) if not task.done()]
            chosen = open_ones[number % len(open_ones)] if open_ones else None
            match what:
                case "arrives":
                    self.come(number)
                    await asyncio.sleep(0)
                case "is done" if chosen is not None:
                    self.done[chosen].set()
                case "is refused" if chosen is not None:
                    self.ones[chosen].error = RateLimited(
                        "no", limit=number % 4 or None, retry_after_s=5.0 if number % 5 == 0 else None
                    )
                    self.done[chosen].set()
                case "leaves" if chosen is not None:
                    self.tasks[chosen].cancel()
                case "resize":
                    self.lane.adopt(self._room(number % 4 or None))
                case "time":
                    self.hands.turn(number * 0.5)
                case _:
                    await breath(3)
            self.check()
        await self.end()

    async def end(self) -> None:
        """Everybody left is served."""
        for event in self.done:
            event.set()
        await breath(20)
        self.hands.turn(2.0)
        for _ in range(10):  # pauses that were asked for are over
            await breath(20 + 5 * len(self.tasks))
            if all(task.done() for task in self.tasks):
                break
            self.hands.turn(2.0)
        assert all(task.done() for task in self.tasks), "somebody still waits for a place that nobody has"
        for one, task in zip(self.ones, self.tasks, strict=True):
            if not task.cancelled():
                task.result()
            assert task.cancelled() or one.fate != "waits", "somebody was lost"
            assert (one.exchange.queue_place is None) and (one.exchange.queued is None or one.exchange.queued_s >= 0)
        self.check()
        lane = self.lane
        assert (lane.used, lane.line.waiting, lane.line._queues) == (0, 0, {}), "something was not given back"
        self.hands.turn(60.0)
        assert (self.hands.due, [pace.paused for pace in lane.paces.values() if pace.paused]) == ([], [])


def tickets(queue: FairQueue[Any]) -> list[Ticket]:
    return [
        ticket
        for rank in queue._ranks
        for share in rank.shares.values()
        for line in share.lines.values()
        for ticket in line.waiters
    ]


def play(slots: int | None, limit: int | None, happening: list[tuple[str, int]]) -> None:
    asyncio.run(Scene(slots, limit).play(happening))


@settings(max_examples=400, deadline=None)
@given(
    slots=st.sampled_from([1, 2, 3, None]),
    limit=st.sampled_from([None, 1, 2]),
    happening=st.lists(happenings, max_size=50),
)
def test_the_lane_keeps_its_law(slots: int | None, limit: int | None, happening: list[tuple[str, int]]) -> None:
    play(slots, limit, happening)


BUSY = [("arrives", 0)] * 4 + [("is done", 0), ("breath", 0), ("leaves", 1), ("time", 3), ("is done", 1), ("breath", 0)]
REFUSED = [("arrives", 0)] * 6 + [("is refused", 2), ("breath", 0), ("arrives", 0), ("is done", 0), ("breath", 0)]


@pytest.mark.parametrize(
    ("broken", "name", "by", "happening", "seen"),
    [
        (Place, "leave", lambda *_: None, BUSY, "still waits"),
        (Lane, "_admit", lambda _: None, BUSY, "although there is room"),
        (Lane, "take", lambda lane, _model: lane._place(lane._pace(_model)), BUSY, "than there are slots"),
        (Chance, "cancel", asyncio.Future.cancel, BUSY, "twice|no such length|although|lost|waits|InvalidState"),
        (Line, "_gone", lambda *_: None, BUSY, "given back|although"),
        (Pace, "refused", lambda pace, *_: setattr(pace, "in_flight", pace.in_flight - 1), REFUSED, "counted twice"),
    ],
)
def test_the_law_sees_what_is_wrong(
    broken: type, name: str, by: Any, happening: list[tuple[str, int]], seen: str
) -> None:
    slots = None if happening is REFUSED else 1
    play(slots, None, happening)
    with (
        patch.object(broken, name, by),
        pytest.raises((AssertionError, asyncio.InvalidStateError, KeyError), match=seen),
    ):
        play(slots, None, happening)


# Fairness: keys that always have something waiting get what their weights say, to within one request.

weights = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0, 5.0])


def served(keys: dict[str, float], rounds: int, came: list[str]) -> Counter[str]:
    """Keys with endless requests, served one by one; those in `came` have more waiting than the others at the start."""
    queue: FairQueue[Ticket] = FairQueue()
    for key in [*came, *keys, *keys]:
        queue.push(Ticket(Turn(key, keys[key])))
    counted: Counter[str] = Counter()
    for _ in range(rounds):
        ticket = queue.take(lambda _door: True)
        assert ticket is not None
        counted[ticket.client] += 1
        queue.push(Ticket(Turn(ticket.client, keys[ticket.client])))
    return counted


def check_shares(keys: dict[str, float], counted: Counter[str]) -> None:
    """Of any two, who got more for its weight is ahead by less than one request of each."""
    for one, its in keys.items():
        for other, others in keys.items():
            ahead = counted[one] / its - counted[other] / others
            assert ahead <= 1 / its + 1 / others + 1e-9, f"{one} is ahead of {other}"


@settings(max_examples=200, deadline=None)
@given(st.data(), st.dictionaries(st.sampled_from("abcde"), weights, min_size=2), st.integers(1, 80))
def test_each_key_gets_its_share(data: st.DataObject, keys: dict[str, float], rounds: int) -> None:
    came = data.draw(st.lists(st.sampled_from(sorted(keys)), max_size=20))
    check_shares(keys, served(keys, rounds, came))


def test_the_law_of_shares_sees_a_queue_that_is_first_come_first_served() -> None:
    keys = {"a": 1.0, "b": 1.0}
    with pytest.raises(AssertionError, match="is ahead of"):
        check_shares(keys, Counter({"a": 3}))
    with patch.object(Ticket, "__init__", _nobodys), pytest.raises(AssertionError, match="is ahead of"):
        check_shares(keys, served(keys, 3, ["a"] * 20))


def _nobodys(ticket: Ticket, turn: Turn, door: str = "") -> None:
    """As if all were one key: who came first is next. The name is told afterwards."""
    ticket.client, ticket.weight, ticket.rank, ticket.door, ticket.number = turn.client, inf, 1, door, 0


# No starvation: whoever waits long enough is served while those of a higher priority never cease to come.


def waited_for(wait_s: float, priority: Priority, weight: float, crowd: int) -> int:
    """How many others are served after it has reached the highest priority, and before it."""

    async def go() -> int:
        hands = Hands()
        lane = Lane(Room("home", 1, 1000), wait_s, hands)
        order: list[str] = []

        async def one(turn: Turn) -> Place:
            place = await lane.enter("m", turn)
            order.append(turn.client)
            return place

        busy = await lane.enter()
        tasks = [asyncio.create_task(one(Turn("poor", weight, priority)))]
        tasks += [asyncio.create_task(one(Turn(f"rich{n}", 1.0, "high"))) for n in range(crowd) for _ in range(60)]
        await breath()
        hands.turn(wait_s * RANK_OF[priority] / 3)
        busy.leave()
        while "poor" not in order:
            await breath(3)
            next(task for task in tasks if task.done() and task.result()._lane is not None).result().leave()
        for task in tasks:
            task.cancel()
        await breath()
        return order.index("poor")

    return asyncio.run(go())


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["low", "normal"]), st.sampled_from([0.25, 1.0, 4.0]), st.integers(1, 4))
def test_nobody_is_starved(priority: Priority, weight: float, crowd: int) -> None:
    assert waited_for(30.0, priority, weight, crowd) <= 2 * crowd


def test_the_law_sees_one_that_is_starved() -> None:
    with patch.object(Line, "_age", lambda *_: None):
        assert waited_for(30.0, "low", 1.0, 1) > 2


# The place that is told is the place that is had, if nobody comes and nobody leaves.

tickets_to_come = st.tuples(
    st.sampled_from("abcd"), st.sampled_from(["flash", "pro"]), st.sampled_from(["normal", "high"])
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(tickets_to_come, min_size=1, max_size=30),
    st.fixed_dictionaries(dict.fromkeys("abcd", weights)),
    st.integers(0, 10),
    st.sets(st.integers(0, 29), max_size=5),
)
def test_the_place_told_is_the_place_had(
    coming: list[tuple[str, str, Priority]], keys: dict[str, float], served_before: int, gone: set[int]
) -> None:
    queue: FairQueue[Ticket] = FairQueue()
    there = [Ticket(Turn(client, keys[client], priority), door) for client, door, priority in coming]
    for ticket in there:
        queue.push(ticket)
    for number in sorted(gone & set(range(len(there)))):
        queue.remove(there[number])
    taken = [queue.take(lambda door: door == "pro") for _ in range(served_before)]
    left = [one for number, one in enumerate(there) if one not in taken and number not in gone]
    together = {one: queue.before(one) for one in left}
    had = dict.fromkeys(iter(lambda: queue.take(lambda _door: True), None))
    order = {one: place for place, one in enumerate(had)}
    assert together == order
