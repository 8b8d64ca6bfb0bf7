"""The line in front of a backend: first come, first served, bounded in length and time, and no slot is ever lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.hands import Hands, breath

from tidegate.core.errors import BackendLoading, BackendOverloaded, BackendTimedOut
from tidegate.resilience.lane import Lane, Place


class Line:
    """Requests by number, each a task that waits for its slot."""

    def __init__(self, total: int | None = 1, **more: Any) -> None:
        self.hands = Hands()
        self.lane = Lane("home", total, timers=self.hands, **more)
        self.came: list[int] = []
        self.tasks: list[asyncio.Task[Place]] = []

    async def arrive(self) -> asyncio.Task[Place]:
        number = len(self.tasks)

        async def take() -> Place:
            slot = await self.lane.enter()
            self.came.append(number)
            return slot

        task = asyncio.create_task(take())
        self.tasks.append(task)
        await breath()
        return task

    @property
    def seen(self) -> tuple[int, int]:
        return self.lane.used, self.lane.waiting


async def test_without_a_cap_nobody_waits_and_all_are_counted() -> None:
    lane = Lane("home")
    taken = [await lane.enter() for _ in range(100)]
    assert (lane.used, lane.total, lane.waiting) == (100, None, 0)
    for slot in taken:
        slot.leave()
    assert lane.used == 0


async def test_whoever_came_first_is_served_first() -> None:
    line = Line(2)
    first, second, *_ = [await line.arrive() for _ in range(5)]
    assert (line.came, line.seen) == ([0, 1], (2, 3))
    (await second).leave()
    await breath()
    assert (line.came, line.seen) == ([0, 1, 2], (2, 2))
    (await first).leave()
    await breath()
    assert line.came == [0, 1, 2, 3]
    for task in line.tasks[2:]:
        (await task).leave()
    assert line.came == [0, 1, 2, 3, 4]
    assert line.seen == (0, 0)


async def test_a_slot_given_back_twice_is_given_back_once() -> None:
    line = Line(1)
    slot = await (await line.arrive())
    await line.arrive()
    await line.arrive()
    slot.leave()
    slot.leave()
    await breath()
    assert (line.came, line.seen) == ([0, 1], (1, 1))


async def test_a_full_line_refuses_at_once_and_names_the_options() -> None:
    line = Line(1, places=2)
    for _ in range(3):
        await line.arrive()
    with pytest.raises(BackendOverloaded, match=r"`slots` or `queue` in \[backends.home\]") as refused:
        await line.lane.enter()
    assert (refused.value.status, refused.value.retry) == (503, "same")
    assert not isinstance(refused.value, (BackendLoading, BackendTimedOut)), "it is up, and it does not load"
    assert line.seen == (1, 2)


async def test_a_line_without_places_refuses_whoever_would_wait() -> None:
    line = Line(1, places=0)
    await line.arrive()
    with pytest.raises(BackendOverloaded):
        await line.lane.enter()


async def test_who_leaves_the_line_frees_the_place() -> None:
    line = Line(1, places=1)
    first, leaving = await line.arrive(), await line.arrive()
    leaving.cancel()
    await breath()
    assert line.seen == (1, 0)
    staying = await line.arrive()
    (await first).leave()
    (await staying).leave()
    assert (line.came, line.seen) == ([0, 2], (0, 0))


async def test_who_leaves_in_the_moment_of_being_served_passes_the_slot_on() -> None:
    line = Line(1)
    first, leaving, next_one = [await line.arrive() for _ in range(3)]
    (await first).leave()  # the second one's turn has come, and it has not run yet
    assert line.seen == (1, 1)
    leaving.cancel()
    await breath()
    assert leaving.cancelled()
    assert (line.came, line.seen) == ([0, 2], (1, 0))
    (await next_one).leave()
    assert line.seen == (0, 0)


async def test_the_place_of_who_has_just_left_can_be_taken_at_once() -> None:
    line = Line(1, places=1)
    await line.arrive()
    leaving = await line.arrive()
    leaving.cancel()  # it has not run yet, so it has not cleaned up behind itself
    assert line.lane.waiting == 0
    coming = asyncio.create_task(line.lane.enter())
    await breath()
    assert (leaving.cancelled(), coming.done(), line.lane.waiting) == (True, False, 1)
    coming.cancel()
    await breath()


async def test_nobody_waits_longer_than_the_limit() -> None:
    line = Line(1, wait_s=30)
    first, second = await line.arrive(), await line.arrive()
    await line.hands.turned(20)
    third = await line.arrive()
    await line.hands.turned(10)
    with pytest.raises(BackendOverloaded, match=r"within 30 s.*`\[timeouts\] queue_s`"):
        await second
    assert (third.done(), line.seen) == (False, (1, 1))
    (await first).leave()
    (await third).leave()
    assert (line.seen, line.hands.due) == ((0, 0), []), "no timer is left behind"


async def test_a_limit_that_ends_after_the_turn_has_come_changes_nothing() -> None:
    line = Line(1, wait_s=30)
    first, second = await line.arrive(), await line.arrive()
    (await first).leave()
    line.hands.turn(30)
    (await second).leave()
    assert (line.came, line.seen) == ([0, 1], (0, 0))


async def test_more_slots_let_more_in_and_fewer_interrupt_nobody() -> None:
    line = Line(1)
    for _ in range(4):
        await line.arrive()
    line.lane.resize(3)
    await breath()
    assert (line.came, line.seen) == ([0, 1, 2], (3, 1))
    line.lane.resize(1)
    for number in (0, 1):
        (await line.tasks[number]).leave()
        await breath()
        assert len(line.came) == 3
    (await line.tasks[2]).leave()
    await breath()
    assert line.came == [0, 1, 2, 3]
    line.lane.resize(None)
    (await line.tasks[3]).leave()
    assert line.seen == (0, 0)
