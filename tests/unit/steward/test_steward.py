"""The steward's desks behind one link: all words of all of them, and all of them hear that a worker is gone."""

from __future__ import annotations

from tests.support.hands import breath
from tests.support.links import worker_of

from tidegate.backends.base import Room
from tidegate.resilience.lane import NO_TERMS
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.lanes import SharedLanes
from tidegate.steward.marks import SharedMarks
from tidegate.steward.steward import Steward


async def test_a_worker_that_is_gone_is_gone_from_every_desk() -> None:
    steward = Steward(OwnLanes())
    link = worker_of(steward.new_link)
    marks = SharedMarks(link, lambda _marks, _at: None)
    link.learn(marks.answers)
    await marks.begin()
    await SharedLanes(link).enter(Room("box", 1), "m", NO_TERMS)
    assert (len(steward.links), len(steward._marks._told)) == (1, 1)
    assert steward.lanes.view()[0].used == 1
    link.close()
    await breath()
    assert (len(steward.links), len(steward._marks._told)) == (0, 0)
    assert steward.lanes.view()[0].used == 0


async def test_the_crews_words_are_answered_too() -> None:
    async def begin(_link: object, _number: int, value: object) -> object:
        return value

    steward, heard = Steward(OwnLanes()), list[object]()
    link = worker_of(
        lambda _answers, _hears: steward.new_link({"begin": begin}, {"ready": lambda _, value: heard.append(value)})
    )
    assert await link.ask("begin", 1) == 1
    link.tell("ready", 2)
    await breath()
    assert heard == [2]
