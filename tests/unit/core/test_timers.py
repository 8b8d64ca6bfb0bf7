"""The role of a clock fits an event loop as it is, and the clock that tests turn by hand."""

from __future__ import annotations

import asyncio

from tests.support.hands import Hands

from tidegate.core.timers import Timers


async def test_an_event_loop_is_such_a_clock() -> None:
    timers: Timers = asyncio.get_running_loop()
    before, rung = timers.time(), asyncio.Event()
    timers.call_later(0, rung.set)
    await rung.wait()
    assert timers.time() >= before


def test_so_is_one_that_is_turned_by_hand_and_a_cancelled_call_never_comes() -> None:
    hands, rung = Hands(), [0.0]
    timers: Timers = hands
    timers.call_later(5, lambda: rung.append(timers.time()))
    timers.call_later(1, lambda: rung.append(timers.time()))
    timers.call_later(2, lambda: rung.append(-1)).cancel()
    hands.turn(10)
    assert rung == [0.0, 1001.0, 1005.0]
