"""The line by itself: what it says when it is full, who must make room for whom, and what is left of one who has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.hands import Hands

from tidegate.backends.base import Room
from tidegate.core.errors import BackendOverloaded, RateLimited
from tidegate.resilience.fair import Turn
from tidegate.resilience.line import Line, Waiter
from tidegate.resilience.rules import MOVED_UP, QUEUED


class Waiting:
    """A line that nobody serves until it is told to."""

    def __init__(self, places: int = 4, wait_s: float = 30.0, slots: int | None = 1, **room: Any) -> None:
        self.hands = Hands()
        self.line = Line(Room("home", slots, places, **room), wait_s, self.hands)

    def come(self, client: str = "", weight: float = 1.0, priority: Any = "normal", model: str = "m") -> Waiter:
        return self.line.join(Turn(client, weight, priority), model, QUEUED.code)

    def serve(self, after_s: float = 0.0) -> Waiter:
        self.hands.turn(after_s)
        waiter = self.line.take(lambda door: True)
        assert waiter is not None
        waiter.chance.set_result(None)
        self.line.left(waiter)
        return waiter


def fate(waiter: Waiter) -> str:
    if not waiter.chance.done():
        return "waits"
    error = waiter.chance.exception()
    return "served" if error is None else type(error).__name__


async def test_full_of_one_key_it_is_the_backends_overload() -> None:
    made = Waiting(2, options="`slots` in [embedded]")
    made.come("a")
    made.come("a")
    with pytest.raises(BackendOverloaded, match=r"2 requests wait for it; raise `slots` in \[embedded\]"):
        made.come("a")
    assert made.line.clients() == {"a": 2}


async def test_the_key_that_holds_most_makes_room_with_its_youngest() -> None:
    made = Waiting(4)
    first, second, third = (made.come("a") for _ in range(3))
    other = made.come("b")
    late = made.come("c")
    assert [fate(one) for one in (first, second, third, other, late)] == [
        "waits",
        "waits",
        "RateLimited",
        "waits",
        "waits",
    ]
    assert made.line.clients() == {"a": 2, "b": 1, "c": 1}
    with pytest.raises(BackendOverloaded):  # all have their share, and it has nothing: the line is too short
        made.come("d", weight=0.5)


async def test_a_key_with_its_share_is_told_that_it_asks_too_much() -> None:
    made = Waiting(4)
    for client in "aabb":
        made.come(client)
    with pytest.raises(RateLimited, match="share") as raised:
        made.come("a")
    assert (raised.value.status, raised.value.retry, raised.value.limit) == (429, "same", None)


async def test_weights_count_when_the_line_is_full() -> None:
    made = Waiting(5)
    heavy = [made.come("a", weight=4) for _ in range(3)]
    light = [made.come("b") for _ in range(2)]
    heavy.append(made.come("a", weight=4))
    assert ([fate(one) for one in heavy], [fate(one) for one in light]) == (["waits"] * 4, ["waits", "RateLimited"])
    assert made.line.waiting == 5


async def test_who_has_the_higher_priority_is_let_in_for_the_lowest() -> None:
    made = Waiting(2)
    normal, low = made.come("n"), made.come("l", priority="low")
    high = made.come("h", priority="high")
    assert [fate(one) for one in (normal, low, high)] == ["waits", "RateLimited", "waits"]
    with pytest.raises(BackendOverloaded):
        made.come("k", priority="low")


@pytest.mark.parametrize(("every_s", "retry_after_s"), [(2.0, 8.0), (0.01, 1.0), (100.0, 60.0)])
async def test_it_says_when_to_come_back_by_how_quickly_it_was_served(every_s: float, retry_after_s: float) -> None:
    made = Waiting(4, wait_s=10_000)
    for _ in range(4):
        made.come()
    for _ in range(5):
        made.serve(every_s)
        made.come()
    with pytest.raises(BackendOverloaded) as raised:
        made.come()
    assert raised.value.retry_after_s == pytest.approx(retry_after_s)


async def test_without_experience_it_says_something_usual() -> None:
    made = Waiting(0)
    with pytest.raises(BackendOverloaded) as raised:
        made.come()
    assert raised.value.retry_after_s == 5.0


async def test_a_while_with_nobody_waiting_is_no_slow_service() -> None:
    made = Waiting(1, wait_s=10_000)
    for _ in range(3):
        made.come()
        made.serve(1.0)
    made.hands.turn(1000)
    made.come()
    made.serve(1.0)
    made.come()
    with pytest.raises(BackendOverloaded) as raised:
        made.come()
    assert raised.value.retry_after_s == 5.0


async def test_with_each_third_of_the_time_it_moves_up() -> None:
    made = Waiting(9, wait_s=30)
    low = made.come("l", priority="low")
    made.hands.turn(9.9)
    assert (low.rank, low.code) == (2, QUEUED.code)
    made.hands.turn(0.1)
    assert (low.rank, low.code) == (1, MOVED_UP.code)
    normal = made.come("n")
    made.hands.turn(10)
    assert (low.rank, normal.rank) == (0, 0)
    made.come("h", priority="high")
    assert made.serve() is low
    made.hands.turn(20)
    assert fate(normal) == "BackendOverloaded"
    assert made.line.waiting == 1


async def test_a_chance_that_is_given_up_is_out_of_the_line_in_that_moment() -> None:
    made = Waiting(1)
    waiter = made.come()
    waiter.chance.cancel()
    waiter.chance.cancel()
    assert made.line.waiting == 0
    made.line.left(waiter)
    assert made.hands.due == []
    made.come()


async def test_with_slots_models_share_one_queue_and_without_each_has_its_own() -> None:
    shared, apart = Waiting(slots=1, paced=True), Waiting(slots=None, paced=True)
    for made, before in ((shared, 1), (apart, 0)):
        made.come("a", model="flash")
        assert made.come("a", model="pro").before == before
        assert made.line.take(lambda door: door == "pro") is not None


async def test_nothing_is_left_of_those_who_are_gone() -> None:
    made = Waiting(9, slots=None, paced=True)
    waiters = [made.come(client, model=model) for client in "ab" for model in ("flash", "pro")]
    for waiter in waiters:
        made.line.left(waiter)
    assert (made.line.waiting, made.line._queues, made.hands.due) == (0, {}, [])
    assert isinstance(waiters[0].chance, asyncio.Future)


async def test_whose_turn_has_come_nobody_is_before_it() -> None:
    """A keep-alive may ask between the turn and the moment in which the request hears of it."""
    line = Waiting()
    waiters = [line.come(), line.come()]
    assert [waiter.before for waiter in waiters] == [0, 1]
    taken = line.line.take(lambda door: True)
    assert taken is waiters[0]
    taken.chance.set_result(None)
    assert [waiter.before for waiter in waiters] == [0, 0]
