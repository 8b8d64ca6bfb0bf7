"""Asking the other workers: all answers but one's own, and none that comes too late."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.links import worker_of

from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.others import Others
from tidegate.steward.steward import Steward


def workers(steward: Steward, *answers: Any) -> list[Others]:
    made: list[Others] = []
    for answer in answers:
        link = worker_of(steward.new_link)

        async def own(about: Any, answer: Any = answer) -> Any:
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, asyncio.Event):
                await answer.wait()
            return None if answer is None else [answer, about]

        others = Others(link, {"thing": own})
        link.learn(others.answers)
        made.append(others)
    return made


async def test_all_others_are_asked_and_those_with_nothing_say_nothing() -> None:
    first, *_ = workers(Steward(OwnLanes()), "first", "second", None, KeyError("x"), "last")
    assert await first.ask("thing", 7) == [["second", 7], ["last", 7]]


async def test_one_that_does_not_answer_in_time_is_left_out() -> None:
    steward = Steward(OwnLanes())
    steward._others._limit_s = 0.01
    first, *_ = workers(steward, "first", asyncio.Event(), "last")
    assert await first.ask("thing") == [["last", None]]


async def test_without_the_steward_there_are_no_answers() -> None:
    steward = Steward(OwnLanes())
    first, _ = workers(steward, "first", "second")
    steward.links[0].close()
    await asyncio.sleep(0)
    assert await first.ask("thing") == []
