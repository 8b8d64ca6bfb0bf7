"""Breakers of several workers: failures count together, one tries for all, and a worker that dies while it tries blocks nobody."""

from __future__ import annotations

import pytest
from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.core.errors import BackendFailed, BackendUnreachable, BreakerOpen, WrongShape
from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.breakers import SharedBreakers
from tidegate.steward.link import Link
from tidegate.steward.steward import Steward

DOWN = BackendUnreachable("down")


class Crew:
    def __init__(self, workers: int = 3) -> None:
        self.now_s = 0.0
        steward = Steward(OwnLanes())
        self.links: list[Link] = []
        self.breakers: list[SharedBreakers] = []
        for _ in range(workers):
            link = worker_of(steward.new_link)
            breakers = SharedBreakers(OwnBreakers(lambda: self.now_s), link)
            link.learn(hears=[breakers.hears])
            self.links.append(link)
            self.breakers.append(breakers)

    async def open(self) -> None:
        for breakers in self.breakers:
            breakers.note("box", "m", DOWN)
        await breath()

    def states(self) -> list[str]:
        return [view.state for breakers in self.breakers for view in breakers.view()]


async def test_one_failure_at_each_of_three_workers_opens_it_for_all() -> None:
    crew = Crew()
    await crew.open()
    assert crew.states() == ["open"] * 3
    for breakers in crew.breakers:
        with pytest.raises(BreakerOpen):
            breakers.admit("box", "m", sole=False)
        with pytest.raises(BreakerOpen):
            breakers.check("box", "m", sole=False)


async def test_one_tries_and_its_success_is_all_the_workers() -> None:
    crew = Crew()
    await crew.open()
    crew.now_s = 11.0
    first, second, third = crew.breakers
    assert first.admit("box", "m", sole=False)
    await breath()
    with pytest.raises(BreakerOpen):
        second.admit("box", "m", sole=False)
    first.note("box", "m", None, probe=True)
    await breath()
    assert crew.states() == ["closed"] * 3
    assert not third.admit("box", "m", sole=False)


async def test_a_worker_that_dies_while_it_tries_lets_another_try() -> None:
    crew = Crew()
    await crew.open()
    crew.now_s = 11.0
    assert crew.breakers[0].admit("box", "m", sole=False)
    await breath()
    crew.links[0].close()
    await breath()
    assert crew.breakers[1].admit("box", "m", sole=False)


async def test_a_success_ends_the_count_of_all() -> None:
    crew = Crew()
    crew.breakers[0].note("box", "m", DOWN)
    crew.breakers[1].note("box", "m", DOWN)
    await breath()
    crew.breakers[2].note("box", "m", None)
    crew.breakers[2].note("box", "m", None, "end")
    await breath()
    crew.breakers[0].note("box", "m", DOWN)
    await breath()
    assert crew.states() == ["closed"] * 3


async def test_what_is_no_news_is_not_told() -> None:
    crew = Crew()
    before = crew.links[0]._transport
    assert before is not None
    crew.breakers[0].note("box", "m", None)
    crew.breakers[0].note("box", "m", WrongShape("the client's"))
    crew.breakers[0].seen("box")
    assert bytes(before.sent) == b""  # pyright: ignore[reportAttributeAccessIssue]


async def test_the_same_bad_request_counts_once_wherever_it_is_sent_again() -> None:
    crew = Crew()
    for breakers in crew.breakers:
        breakers.note("box", "m", BackendFailed("500"), asked="the same")
        await breath()
    assert crew.states() == ["closed"] * 3


async def test_a_backend_that_is_found_again_is_tried_by_any() -> None:
    crew = Crew()
    await crew.open()
    crew.breakers[0].seen("box")
    await breath()
    assert crew.breakers[2].admit("box", "m", sole=False)


async def test_settings_are_the_workers_own() -> None:
    crew = Crew(1)
    crew.breakers[0].adjust(1, 1.0, 1.0)
    crew.breakers[0].note("box", "m", DOWN)
    assert crew.states() == ["open"]
    crew.breakers[0].forget("box")
    assert crew.states() == []
