"""The line: at most so many at once, keep-alives meanwhile, and an end to the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tidegate.simulator.clock import Clock
from tidegate.simulator.queue import Line, NotServed

from .conftest import TUESDAY, TurnedClock


class StoppedClock(Clock):
    """Sleeps until the test says so."""

    def __init__(self) -> None:
        super().__init__(TUESDAY, sleep=self._wait)
        self.wake = asyncio.Event()
        self.asked: list[float] = []

    async def _wait(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.wake.clear()
        await self.wake.wait()


def line(clock: Clock, slots: int = 1) -> Line:
    return Line(clock, slots=slots, keep_alive_s=15.0, close_after_s=600.0)


def counter() -> tuple[list[int], Callable[[], Awaitable[None]]]:
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)

    return ticks, tick


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_slots_nobody_waits():
    ticks, tick = counter()
    one = line(TurnedClock(), slots=0)
    for _ in range(100):
        await one.enter(tick)
    assert (one.taken, one.waiting, ticks) == (100, 0, [])


async def test_who_waits_is_served_in_turn():
    _, tick = counter()
    one, served = line(StoppedClock()), []

    async def guest(name: str) -> None:
        await one.enter(tick)
        served.append(name)

    await one.enter(tick)
    guests = [asyncio.create_task(guest(name)) for name in "ab"]
    await settle()
    assert (one.taken, one.waiting, served) == (1, 2, [])
    one.leave()
    await settle()
    assert (one.taken, one.waiting, served) == (1, 1, ["a"])
    one.leave()
    await asyncio.gather(*guests)
    one.leave()
    assert (one.taken, one.waiting, served) == (0, 0, ["a", "b"])


async def test_a_keep_alive_at_each_interval_and_then_the_door():
    ticks, tick = counter()
    clock = TurnedClock()
    one = line(clock)
    await one.enter(tick)
    with pytest.raises(NotServed):
        await one.enter(tick)
    assert len(ticks) == 600 / 15 - 1
    assert (clock.now() - TUESDAY).total_seconds() == 600
    assert (one.taken, one.waiting) == (1, 0)


async def test_who_leaves_the_line_is_forgotten():
    _, tick = counter()
    one = line(StoppedClock())
    await one.enter(tick)
    guest = asyncio.create_task(one.enter(tick))
    await settle()
    guest.cancel()
    await settle()
    assert (one.taken, one.waiting) == (1, 0)
    one.leave()
    assert one.taken == 0


async def test_a_slot_given_to_who_leaves_at_that_moment_is_not_lost():
    _, tick = counter()
    one = line(StoppedClock())
    await one.enter(tick)
    guest = asyncio.create_task(one.enter(tick))
    await settle()
    one.leave()  # the guest's turn has come, but it has not run yet
    guest.cancel()
    await settle()
    assert (one.taken, one.waiting) == (0, 0)


async def test_time_can_pass_without_a_line():
    ticks, tick = counter()
    clock = TurnedClock()
    await line(clock).pass_time(40, tick)
    assert (len(ticks), (clock.now() - TUESDAY).total_seconds()) == (2, 40)
