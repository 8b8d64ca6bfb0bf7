"""A lane for each backend, made when it is first asked, as wide as its backend says now."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.hands import Hands, breath

from tidegate.backends.base import Room
from tidegate.core.errors import BackendOverloaded, RateLimited
from tidegate.core.exchange import Exchange
from tidegate.resilience.fair import NO_TERMS, Turn
from tidegate.resilience.lanes import LaneView, OwnLanes
from tidegate.resilience.pace import PaceView


def lanes(wait_s: float = 30.0) -> tuple[OwnLanes, Hands]:
    hands = Hands()
    return OwnLanes(wait_s, hands), hands


async def test_backends_have_lanes_apart() -> None:
    made, _ = lanes()
    for name in ("a", "b"):
        await made.enter(Room(name, 1), "m", NO_TERMS)
    assert made.view() == [LaneView("a", 1, 1, 0), LaneView("b", 1, 1, 0)]


async def test_a_view_shows_who_waits_and_what_was_learned() -> None:
    made, _ = lanes()
    room = Room("cloud", paced=True, published=(("flash", 2500),))
    first = await made.enter(room, "flash", NO_TERMS)
    (await made.enter(room, "flash", NO_TERMS)).leave(RateLimited("no", limit=1))
    waiting = [asyncio.create_task(made.enter(room, "flash", Turn(client))) for client in ("alice", "alice", "bob")]
    await breath()
    assert made.view() == [
        LaneView("cloud", 1, None, 3, (("alice", 2), ("bob", 1)), (PaceView("flash", 1, "told", 1, False),))
    ]
    first.leave()
    for done in asyncio.as_completed(waiting):
        (await done).leave()
    assert (made.view()[0].used, made.view()[0].waiting, made.view()[0].clients) == (0, 0, ())


async def test_a_backend_that_has_got_more_slots_lets_more_in_with_the_next_request() -> None:
    made, _ = lanes()
    await made.enter(Room("a", 1), "m", NO_TERMS)
    waiting = asyncio.create_task(made.enter(Room("a", 1), "m", NO_TERMS))
    await breath()
    assert not waiting.done()
    await made.enter(Room("a", 3), "m", NO_TERMS)
    await breath()
    assert (waiting.done(), made.view()) == (True, [LaneView("a", 3, 3, 0)])


async def test_the_line_has_the_length_and_the_patience_that_were_given() -> None:
    made, hands = lanes(wait_s=12)
    room = Room("a", 1, queue=1, options="`slots` in [embedded]")
    exchange = Exchange("ex", "chat", 0.0)
    await made.enter(room, "m", NO_TERMS)
    waiting = asyncio.create_task(made.enter(room, "m", NO_TERMS, exchange))
    await breath()
    with pytest.raises(BackendOverloaded, match=r"`slots` in \[embedded\]"):
        await made.enter(room, "m", NO_TERMS)
    await hands.turned(12)
    with pytest.raises(BackendOverloaded, match="within 12 s"):
        await waiting
    assert (exchange.queued_s, exchange.queue_place) == (12, None)


async def test_another_patience_is_for_those_who_come_from_then_on() -> None:
    made, hands = lanes(wait_s=30)
    room = Room("a", 1)
    await made.enter(room, "m", NO_TERMS)
    made.adjust(3)
    waiting = asyncio.create_task(made.enter(room, "m", NO_TERMS))
    await breath()
    await hands.turned(3)
    with pytest.raises(BackendOverloaded, match="within 3 s"):
        await waiting


async def test_the_lane_of_a_backend_that_has_gone_is_forgotten_once_nobody_is_in_it() -> None:
    made, _ = lanes()
    place = await made.enter(Room("a"), "m", NO_TERMS)
    made.forget("a")
    made.forget("b")
    assert [lane.backend for lane in made.view()] == ["a"]
    place.leave()
    made.forget("a")
    assert made.view() == []
