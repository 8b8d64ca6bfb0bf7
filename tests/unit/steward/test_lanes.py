"""Lanes over several workers: one number of slots, one line, and all of it free again when a worker is gone."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.hands import Hands, breath
from tests.support.links import worker_of

from tidegate.backends.base import Room
from tidegate.core.errors import BackendFailed, BackendOverloaded, RateLimited
from tidegate.core.exchange import Exchange
from tidegate.resilience.lane import NO_TERMS, Turn
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.lanes import TELL_COUNTS_S, TELL_PLACES_S, SharedLanes
from tidegate.steward.link import Link
from tidegate.steward.steward import Steward

TWO = Room("box", 2, queue=3)


class House:
    """A steward and its workers, with a clock that is turned by hand."""

    def __init__(self, workers: int = 2) -> None:
        self.hands = Hands()
        self.own = OwnLanes(60.0, self.hands)
        self.steward = Steward(self.own, timers=self.hands)
        self.links = [self.link() for _ in range(workers)]
        self.lanes = [self.worker(link) for link in self.links]

    def link(self) -> Link:
        return worker_of(self.steward.new_link)

    def worker(self, link: Link) -> SharedLanes:
        lanes = SharedLanes(link, self.hands)
        link.learn(hears=[lanes.hears])
        return lanes


async def test_the_slots_are_one_number_over_all_workers() -> None:
    house = House()
    first, second = house.lanes
    places = [await first.enter(TWO, "m", NO_TERMS), await second.enter(TWO, "m", NO_TERMS)]
    third = asyncio.create_task(second.enter(TWO, "m", NO_TERMS))
    await breath()
    assert not third.done()
    places[0].leave()
    place = await third
    places[1].leave()
    place.leave()
    place.leave()  # once, however often
    await breath()
    await first.look()
    assert [(one.used, one.total, one.waiting) for one in first.view()] == [(0, 2, 0)]


async def test_a_worker_that_is_gone_gives_back_what_it_held_and_waits_for_nothing() -> None:
    house = House()
    first, second = house.lanes
    for _ in range(2):
        await first.enter(TWO, "m", NO_TERMS)
    leaving = asyncio.create_task(first.enter(TWO, "m", NO_TERMS))
    waiting = asyncio.create_task(second.enter(TWO, "m", NO_TERMS))
    await breath()
    house.links[0].close()
    place = await waiting
    with pytest.raises(Exception, match="gone"):
        await leaving
    await second.look()
    assert [(one.used, one.waiting) for one in second.view()] == [(1, 0)]
    place.leave()


async def test_a_client_that_leaves_the_line_leaves_it_at_the_stewards() -> None:
    house = House()
    first, second = house.lanes
    held = [await first.enter(TWO, "m", NO_TERMS) for _ in range(2)]
    gone, stays = (asyncio.create_task(one.enter(TWO, "m", NO_TERMS)) for one in (first, second))
    await breath()
    gone.cancel()
    await breath()
    held[0].leave()
    await stays
    await second.look()
    assert [(one.used, one.waiting) for one in second.view()] == [(2, 0)]


async def test_a_place_that_crosses_with_the_client_leaving_is_given_back() -> None:
    house = House()
    first, second = house.lanes
    held = [await first.enter(TWO, "m", NO_TERMS) for _ in range(2)]
    crossing = asyncio.create_task(second.enter(TWO, "m", NO_TERMS))
    await breath()
    held[0].leave()
    for _ in range(50):  # at every moment of the place's way
        await asyncio.sleep(0)
        if house.own.view()[0].waiting == 0:
            break
    crossing.cancel()
    await asyncio.wait([crossing])
    await breath()
    assert house.own.view()[0].used == 1


async def test_errors_of_the_line_come_over_and_those_of_the_backend_go_back() -> None:
    house = House()
    first, second = house.lanes
    held = [await first.enter(TWO, "m", NO_TERMS) for _ in range(2)]
    waiting = [asyncio.create_task(first.enter(TWO, "m", NO_TERMS)) for _ in range(3)]
    await breath()
    with pytest.raises(BackendOverloaded, match="3 requests wait for it"):
        await second.enter(TWO, "m", NO_TERMS)
    for one in waiting:
        one.cancel()
    paced = Room("cloud", None, paced=True)
    place = await second.enter(paced, "m", NO_TERMS)
    place.leave(RateLimited("limit of 1", limit=1))
    held[0].leave(BackendFailed("broken"))
    await breath()
    await first.look()
    (cloud,) = [one for one in first.view() if one.backend == "cloud"]
    assert cloud.paces[0].limit == 1


async def test_who_waits_is_told_its_place_and_then_for_how_long() -> None:
    house = House()
    first, second = house.lanes
    held = [await first.enter(TWO, "m", NO_TERMS) for _ in range(2)]
    ahead = asyncio.create_task(first.enter(TWO, "m", Turn("a")))
    exchange = Exchange("ex_1", "chat", 0.0)
    waiting = asyncio.create_task(second.enter(TWO, "m", Turn("a"), exchange))
    await breath()
    await house.hands.turned(TELL_PLACES_S)
    assert exchange.queue_place is not None
    assert exchange.queue_place() == 1
    held[0].leave()
    await ahead
    await house.hands.turned(TELL_PLACES_S)
    assert exchange.queue_place() == 0
    held[1].leave()
    await waiting
    assert exchange.queue_place is None
    assert (exchange.queued, exchange.queued_s) == ("RES020", 2 * TELL_PLACES_S)


async def test_a_backend_without_a_limit_costs_no_word_but_a_count_now_and_then() -> None:
    house = House()
    first, second = house.lanes
    free = Room("free", None)
    places = [await first.enter(free, "m", NO_TERMS) for _ in range(5)]
    (await second.enter(free, "m", NO_TERMS)).leave()
    places[0].leave()
    await house.hands.turned(TELL_COUNTS_S)
    await second.look()
    assert [(one.backend, one.used, one.total) for one in second.view()] == [("free", 4, None)]
    house.links[0].close()
    await breath()
    await second.look()
    assert sum(one.used for one in second.view()) == 0


async def test_settings_reach_the_steward() -> None:
    house = House()
    first, second = house.lanes
    (await first.enter(TWO, "m", NO_TERMS)).leave()
    house.own.adjust(1.0)
    first.forget("box")
    await breath()
    await first.look()
    assert first.view() == []
    held = [await first.enter(TWO, "m", NO_TERMS) for _ in range(2)]
    late = asyncio.create_task(second.enter(TWO, "m", NO_TERMS))
    await breath()
    await house.hands.turned(1.0)
    with pytest.raises(BackendOverloaded, match="within 1 s"):
        await late
    assert len(held) == 2
