"""Over several workers never more are at work than there is room, whoever comes, leaves, gives up or dies in whatever order,
and when all have gone nothing is held."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hands import Hands, breath
from tests.support.links import worker_of

from tidegate.backends.base import Room
from tidegate.core.errors import GatewayError
from tidegate.resilience.lane import Turn
from tidegate.resilience.lanes import OwnLanes, Place
from tidegate.steward.lanes import SharedLanes
from tidegate.steward.link import Link
from tidegate.steward.steward import Steward

WORKERS = 3
STEP = st.tuples(
    st.sampled_from(["enter", "enter", "enter", "leave", "give up", "die", "breathe"]),
    st.integers(0, WORKERS - 1),
    st.integers(0, 30),
)


class Play:
    """Workers that come, leave and die. A worker that died is another one from then on."""

    def __init__(self, slots: int) -> None:
        self.hands = Hands()
        self.room = Room("box", slots, queue=5)
        self.own = OwnLanes(60.0, self.hands)
        self.steward = Steward(self.own, timers=self.hands)
        self.links: list[Link] = []
        self.lanes: list[SharedLanes] = []
        self.held: list[list[Place]] = [[] for _ in range(WORKERS)]
        self.asking: list[list[asyncio.Task[None]]] = [[] for _ in range(WORKERS)]
        for at in range(WORKERS):
            self.born(at)

    def born(self, at: int) -> None:
        link = worker_of(self.steward.new_link)
        lanes = SharedLanes(link, self.hands)
        link.learn(hears=[lanes.hears])
        self.links[at : at + 1], self.lanes[at : at + 1] = [link], [lanes]

    async def enter(self, lanes: SharedLanes, held: list[Place], client: int) -> None:
        with suppress(GatewayError):
            held.append(await lanes.enter(self.room, "m", Turn(f"key {client % 3}")))

    def step(self, what: str, at: int, number: int) -> None:
        held, asking = self.held[at], self.asking[at]
        if what == "enter":
            asking.append(asyncio.create_task(self.enter(self.lanes[at], held, number)))
        elif what == "leave" and held:
            held.pop(number % len(held)).leave()
        elif what == "give up" and asking:
            asking.pop(number % len(asking)).cancel()
        elif what == "die":
            self.links[at].close()
            self.held[at], self.asking[at] = [], []
            self.born(at)

    @property
    def at_work(self) -> int:
        return sum(map(len, self.held))


@settings(deadline=None, max_examples=150)
@given(slots=st.integers(1, 3), steps=st.lists(STEP, max_size=60))
def test_never_more_at_work_than_there_is_room(slots: int, steps: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        world = Play(slots)
        for what, at, number in steps:
            world.step(what, at, number)
            if what == "breathe":
                await breath(number % 7)
            assert world.at_work <= slots
        await breath()
        assert world.at_work <= slots
        for at in range(WORKERS):
            for task in world.asking[at]:
                task.cancel()
        await breath()
        for at in range(WORKERS):
            for place in world.held[at]:
                place.leave()
        await breath()
        assert [(one.used, one.line.waiting) for one in world.own._lanes.values()] in ([], [(0, 0)])

    asyncio.run(play())
