"""The law of the line: never more than there are slots, nobody overtaken, no slot lost, whatever happens in which order."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hands import Hands, breath

from tidegate.core.errors import BackendOverloaded
from tidegate.resilience.lane import Lane, Place

PLACES = 4
WAIT_S = 30.0

# What happens, with a number that says to whom; `breath` lets the tasks run, so that much may happen in one moment.
events = st.tuples(
    st.sampled_from(["arrives", "arrives", "arrives", "is done", "is done", "leaves", "resize", "time", "breath"]),
    st.integers(0, 9),
)


class Scene:
    """A line and everyone who ever came to it, by number."""

    def __init__(self, total: int) -> None:
        self.hands = Hands()
        self.lane = Lane("home", total, places=PLACES, wait_s=WAIT_S, timers=self.hands)
        self.inside: dict[int, Place] = {}
        self.served: list[int] = []
        self.in_turn: list[int] = []
        """Who was served after waiting in the line."""
        self.refused: set[int] = set()
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.highest_total = total

    async def request(self, number: int, done: asyncio.Event) -> None:
        at_once = self.lane.total is None or self.lane.used < self.lane.total
        assert not (at_once and self.lane.waiting), "somebody waits although there is a slot"
        try:
            slot = await self.lane.enter()
        except BackendOverloaded:
            self.refused.add(number)
            return
        try:
            self.inside[number] = slot
            self.served.append(number)
            if not at_once:
                self.in_turn.append(number)
            assert len(self.inside) <= self.highest_total, "more are inside than there are slots"
            await done.wait()
        finally:
            del self.inside[number]
            slot.leave()

    async def play(self, happening: list[tuple[str, int]]) -> None:
        done: dict[int, asyncio.Event] = {}
        for what, number in happening:
            open_ones = [one for one, task in self.tasks.items() if not task.done()]
            chosen = open_ones[number % len(open_ones)] if open_ones else None
            match what:
                case "arrives":
                    one = len(self.tasks)
                    done[one] = asyncio.Event()
                    self.tasks[one] = asyncio.create_task(self.request(one, done[one]))
                    await asyncio.sleep(0)
                case "is done" if chosen is not None:
                    done[chosen].set()
                case "leaves" if chosen is not None:
                    self.tasks[chosen].cancel()
                case "resize":
                    self.lane.resize(number % 3 + 1)
                    self.highest_total = max(self.highest_total, number % 3 + 1)
                case "time":
                    self.hands.turn(number * 5.0)
                case _:
                    await breath(3)
            assert self.lane.waiting <= PLACES
        await self.end(done)

    async def end(self, done: dict[int, asyncio.Event]) -> None:
        """Everybody left is served, in the order of coming."""
        for event in done.values():
            event.set()
        await breath(20 + 5 * len(self.tasks))
        assert all(task.done() for task in self.tasks.values()), "somebody still waits for a slot that nobody has"
        for task in self.tasks.values():
            if not task.cancelled():
                task.result()
        assert self.in_turn == sorted(self.in_turn), "somebody was overtaken"
        left = {number for number, task in self.tasks.items() if task.cancelled()}
        assert set(self.served) | self.refused | left == set(self.tasks), "somebody was lost"
        assert (self.lane.used, self.lane.waiting, self.hands.due) == (0, 0, [])


def play(total: int, happening: list[tuple[str, int]]) -> None:
    asyncio.run(Scene(total).play(happening))


@settings(max_examples=400, deadline=None)
@given(total=st.integers(1, 3), happening=st.lists(events, max_size=40))
def test_the_line_keeps_its_law(total: int, happening: list[tuple[str, int]]) -> None:
    play(total, happening)


BUSY = [("arrives", 0)] * 4 + [("is done", 0), ("breath", 0), ("leaves", 1), ("time", 3), ("is done", 1)]


def test_the_law_sees_a_slot_that_is_not_given_back() -> None:
    play(1, BUSY)
    with (
        patch.object(Place, "leave", lambda _self, _error=None: None),
        pytest.raises(AssertionError, match="still waits"),
    ):
        play(1, BUSY)
