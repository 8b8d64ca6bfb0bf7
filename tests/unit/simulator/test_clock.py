"""Simulated time: it runs, it can be moved, and who sleeps sleeps shorter by the scale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from tidegate.simulator.clock import Clock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Hand:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def clock(scale: float = 1.0) -> tuple[Clock, Hand]:
    hand = Hand()
    return Clock(NOON, scale, monotonic=lambda: hand.now_s, sleep=hand.sleep), hand


def test_it_runs_at_its_scale():
    one, hand = clock(60.0)
    hand.now_s += 2
    assert one.now() == NOON + timedelta(minutes=2)
    assert one.now_s() == NOON.timestamp() + 120
    assert one.scale == 60.0


def test_it_can_be_moved_and_runs_on_from_there():
    one, hand = clock()
    one.advance(30)
    hand.now_s += 5
    assert one.now() == NOON + timedelta(seconds=35)
    one.set(datetime(2026, 8, 22, 10, tzinfo=timezone(timedelta(hours=8))))
    hand.now_s += 1
    assert one.now() == datetime(2026, 8, 22, 2, 0, 1, tzinfo=UTC)


async def test_sleeping_is_shortened_by_the_scale():
    one, hand = clock(100.0)
    await one.sleep(600)
    assert hand.slept == [6.0]
    assert one.now() == NOON + timedelta(minutes=10)
