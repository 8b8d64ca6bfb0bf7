"""Marks of private conversations: known to every worker before the one that found them goes on, and to those that come later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.core.errors import Draining
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward import marks as marks_module
from tidegate.steward.link import Link
from tidegate.steward.marks import SharedMarks
from tidegate.steward.steward import Steward


class Worker:
    def __init__(self, steward: Steward) -> None:
        self.known: dict[str, float] = {}
        self.link: Link = worker_of(steward.new_link)
        self.marks = SharedMarks(self.link, self.remember)
        self.link.learn(self.marks.answers)

    def remember(self, marks: Sequence[str], seen_at: float) -> None:
        self.known.update(dict.fromkeys(marks, seen_at))


async def crew(steward: Steward, count: int) -> list[Worker]:
    workers = [Worker(steward) for _ in range(count)]
    for worker in workers:
        await worker.marks.begin()
    return workers


async def test_when_it_is_said_to_be_known_every_worker_knows_it() -> None:
    first, *others = await crew(Steward(OwnLanes()), 3)
    await first.marks.spread(("a", "b"), 5.0)
    assert [other.known for other in others] == [{"a": 5.0, "b": 5.0}] * 2


async def test_a_worker_that_comes_later_knows_all_and_misses_nothing_between() -> None:
    steward = Steward(OwnLanes())
    (first,) = await crew(steward, 1)
    await first.marks.spread(("a",), 5.0)
    late = Worker(steward)
    beginning = asyncio.create_task(late.marks.begin())
    await asyncio.gather(*(first.marks.spread((f"m{at}",), 6.0) for at in range(20)))
    await beginning
    assert set(late.known) == {"a", *(f"m{at}" for at in range(20))}


async def test_one_that_has_not_begun_holds_up_nobody() -> None:
    steward = Steward(OwnLanes())
    (first,) = await crew(steward, 1)
    Worker(steward)
    await first.marks.spread(("a",), 5.0)


async def test_one_that_does_not_say_that_it_knows_is_ended_and_only_then_the_others_go_on() -> None:
    steward = Steward(OwnLanes())
    ended = list[Link]()
    steward.end_worker = ended.append
    steward._marks._limit_s = 0.01
    first, deaf = await crew(steward, 2)
    deaf.link._answers[marks_module.KNOW] = _never
    await first.marks.spread(("a",), 5.0)
    assert ended == [steward.links[1]]


async def _never(_link: Link, _number: int, _value: object) -> None:
    await asyncio.Event().wait()


async def test_one_that_goes_in_that_moment_holds_up_nobody() -> None:
    first, going = await crew(Steward(OwnLanes()), 2)
    going.link._answers[marks_module.KNOW] = _never
    spreading = asyncio.create_task(first.marks.spread(("a",), 5.0))
    await breath()
    assert not spreading.done()
    going.link.close()
    await spreading


async def test_without_the_steward_nothing_is_said_to_be_known() -> None:
    (first,) = await crew(Steward(OwnLanes()), 1)
    first.link.close()
    with pytest.raises(Draining):
        await first.marks.spread(("a",), 5.0)


async def test_a_client_that_leaves_while_it_spreads_does_not_stop_it() -> None:
    steward = Steward(OwnLanes())
    first, other = await crew(steward, 2)
    spreading = asyncio.create_task(first.marks.spread(("a",), 5.0))
    for _ in range(3):
        await asyncio.sleep(0)
    spreading.cancel()
    await breath()
    assert other.known == {"a": 5.0}


async def test_the_least_recently_seen_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "_MOST_MARKS", 2)
    steward = Steward(OwnLanes())
    (first,) = await crew(steward, 1)
    for at, mark in enumerate(("a", "b", "a", "c")):
        await first.marks.spread((mark,), float(at))
    late = Worker(steward)
    await late.marks.begin()
    assert late.known == {"a": 2.0, "c": 3.0}
