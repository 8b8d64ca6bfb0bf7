"""One timer for all requests: each is stopped at its own deadline, none before, and who is answered leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.hands import Hands, breath

from tidegate.core.errors import BackendTimedOut
from tidegate.core.exchange import Exchange
from tidegate.resilience.deadline import Deadlines


class Stage:
    def __init__(self) -> None:
        self.hands = Hands()
        self.deadlines = Deadlines(100.0, self.hands)

    def exchange(self, ago_s: float = 0.0) -> Exchange:
        """One that arrived so long ago."""
        arrived_s = self.hands.now_s - ago_s
        exchange = Exchange("ex_1", "test", 0.0)
        exchange.elapsed_s = lambda: self.hands.now_s - arrived_s
        return exchange

    async def begin(self, ago_s: float = 0.0) -> asyncio.Task[None]:
        task = asyncio.create_task(self.deadlines.keep(self.exchange(ago_s), for_ever()))
        await breath()
        return task


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def nothing() -> int:
    return 7


async def test_each_is_stopped_at_its_own_deadline() -> None:
    stage = Stage()
    first = await stage.begin()
    await stage.hands.turned(60)
    second, early = await stage.begin(), await stage.begin(ago_s=30)
    for seconds, done in ((39, 0), (1, 1), (29, 1), (1, 2), (29, 2), (1, 3)):
        await stage.hands.turned(seconds)
        assert sum(task.done() for task in (first, early, second)) == done
    for task in (first, early, second):
        with pytest.raises(BackendTimedOut, match="within 100 s"):
            await task


async def test_who_is_answered_leaves_nothing_behind_but_one_timer() -> None:
    stage = Stage()
    for _ in range(50):
        assert await stage.deadlines.keep(stage.exchange(), nothing()) == 7
    assert len(stage.hands.due) == 1
    stage.hands.turn(100)
    assert stage.hands.due == [], "and that one is not set again for nobody"


async def test_an_error_of_the_work_is_its_own() -> None:
    async def fails() -> None:
        raise BackendTimedOut("of the work")

    stage = Stage()
    with pytest.raises(BackendTimedOut, match="of the work"):
        await stage.deadlines.keep(stage.exchange(), fails())


async def test_who_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    stage = Stage()
    task = await stage.begin()
    task.cancel()
    await breath()
    assert task.cancelled()
    both = await stage.begin()
    stage.hands.turn(101)
    both.cancel()
    await breath()
    assert both.cancelled()


async def test_after_its_deadline_the_task_goes_on_as_any_other() -> None:
    stage = Stage()

    async def asks_twice() -> str:
        with pytest.raises(BackendTimedOut):
            await stage.deadlines.keep(stage.exchange(), for_ever())
        await asyncio.sleep(0)
        assert not stage.deadlines.is_over()
        return "went on"

    task = asyncio.create_task(asks_twice())
    await breath()
    await stage.hands.turned(101)
    assert await task == "went on"
    assert not task.cancelling()


async def test_where_another_goes_on_with_an_answer_time_counts_from_there() -> None:
    stage = Stage()
    goes_on = stage.exchange(ago_s=5000)
    goes_on.since_s = 5000.0
    assert stage.deadlines.left_s(goes_on) == 100.0
    task = asyncio.create_task(stage.deadlines.keep(goes_on, for_ever()))
    await breath()
    await stage.hands.turned(99)
    assert not task.done()
    await stage.hands.turned(1)
    with pytest.raises(BackendTimedOut):
        await task
