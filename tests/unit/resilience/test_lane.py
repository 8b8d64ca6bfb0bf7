"""The lane before a backend: bounded by slots and pace, nobody overtaken, told while it waits, and no place is ever lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.hands import Hands, breath

from tidegate.backends.base import Room
from tidegate.core.errors import (
    BackendFailed,
    BackendLoading,
    BackendOverloaded,
    BackendTimedOut,
    ClientLeft,
    GatewayError,
    RateLimited,
)
from tidegate.core.exchange import Exchange
from tidegate.resilience.fair import NO_TERMS, Turn
from tidegate.resilience.lane import Lane, Place
from tidegate.resilience.pace import LONGEST_PAUSE_S
from tidegate.resilience.rules import MOVED_UP, PACED, QUEUED

OVERLOADED = BackendOverloaded("the backend is busy")


class Scene:
    """Requests by number, each a task that waits for its place."""

    def __init__(self, slots: int | None = 1, *, queue: int = 64, wait_s: float = 600.0, **room: Any) -> None:
        self.hands = Hands()
        self.lane = Lane(Room("home", slots, queue, **room), wait_s, self.hands)
        self.came: list[int] = []
        self.tasks: list[asyncio.Task[Place]] = []
        self.exchanges: list[Exchange] = []

    async def arrive(self, model: str = "m", turn: Turn = NO_TERMS) -> asyncio.Task[Place]:
        number = len(self.tasks)
        exchange = Exchange(f"ex_{number}", "chat", 0.0)
        self.exchanges.append(exchange)

        async def take() -> Place:
            place = await self.lane.enter(model, turn, exchange)
            self.came.append(number)
            return place

        task = asyncio.create_task(take())
        self.tasks.append(task)
        await breath()
        return task

    async def leave(self, number: int, error: GatewayError | None = None) -> None:
        self.tasks[number].result().leave(error)
        await breath()

    @property
    def seen(self) -> tuple[int, int]:
        return self.lane.used, self.lane.line.waiting


async def test_without_a_cap_nobody_waits_and_all_are_counted() -> None:
    lane = Lane(Room("home"))
    taken = [await lane.enter() for _ in range(100)]
    assert (lane.used, lane.line.waiting, lane.paces) == (100, 0, {})
    for place in taken:
        place.leave()
    assert lane.used == 0


async def test_whoever_came_first_is_served_first() -> None:
    scene = Scene(2)
    for _ in range(5):
        await scene.arrive()
    assert (scene.came, scene.seen) == ([0, 1], (2, 3))
    await scene.leave(1)
    assert (scene.came, scene.seen) == ([0, 1, 2], (2, 2))
    for number in (0, 2, 3, 4):
        await scene.leave(number)
    assert (scene.came, scene.seen) == ([0, 1, 2, 3, 4], (0, 0))


async def test_a_place_given_back_twice_is_given_back_once() -> None:
    scene = Scene(1)
    for _ in range(3):
        await scene.arrive()
    await scene.leave(0)
    await scene.leave(0)
    assert (scene.came, scene.seen) == ([0, 1], (1, 1))


async def test_a_full_line_refuses_at_once_and_names_the_options() -> None:
    scene = Scene(1, queue=2)
    for _ in range(3):
        await scene.arrive()
    with pytest.raises(BackendOverloaded, match=r"`slots` or `queue` in \[backends.home\]") as refused:
        await scene.lane.enter()
    assert (refused.value.status, refused.value.retry) == (503, "same")
    assert refused.value.retry_after_s is not None
    assert not isinstance(refused.value, (BackendLoading, BackendTimedOut)), "it is up, and it does not load"
    assert scene.seen == (1, 2)


async def test_a_line_without_places_refuses_whoever_would_wait() -> None:
    scene = Scene(1, queue=0)
    await scene.arrive()
    with pytest.raises(BackendOverloaded):
        await scene.lane.enter()


async def test_who_leaves_the_line_frees_the_place() -> None:
    scene = Scene(1, queue=1)
    await scene.arrive()
    leaving = await scene.arrive()
    leaving.cancel()
    await breath()
    assert scene.seen == (1, 0)
    await scene.arrive()
    await scene.leave(0)
    await scene.leave(2)
    assert (scene.came, scene.seen) == ([0, 2], (0, 0))


async def test_who_leaves_in_the_moment_of_being_served_passes_the_place_on() -> None:
    scene = Scene(1, paced=True)
    for _ in range(3):
        await scene.arrive()
    scene.tasks[0].result().leave()  # the second one's turn has come, and it has not run yet
    assert scene.seen == (1, 1)
    scene.tasks[1].cancel()
    await breath()
    assert scene.tasks[1].cancelled()
    assert (scene.came, scene.seen, scene.lane.paces["m"].in_flight) == ([0, 2], (1, 0), 1)
    await scene.leave(2)
    assert scene.seen == (0, 0)


async def test_the_place_of_who_has_just_left_can_be_taken_at_once() -> None:
    scene = Scene(1, queue=1)
    await scene.arrive()
    leaving = await scene.arrive()
    leaving.cancel()  # it has not run yet, so it has not cleaned up behind itself
    assert scene.lane.line.waiting == 0
    coming = asyncio.create_task(scene.lane.enter())
    await breath()
    assert (leaving.cancelled(), coming.done(), scene.lane.line.waiting) == (True, False, 1)
    coming.cancel()
    await breath()


async def test_nobody_waits_longer_than_the_limit() -> None:
    scene = Scene(1, wait_s=30)
    await scene.arrive()
    second = await scene.arrive()
    await scene.hands.turned(20)
    third = await scene.arrive()
    await scene.hands.turned(10)
    with pytest.raises(BackendOverloaded, match=r"within 30 s.*`\[timeouts\] queue_s`"):
        await second
    assert (third.done(), scene.seen) == (False, (1, 1))
    await scene.leave(0)
    await scene.leave(2)
    assert (scene.seen, scene.hands.due) == ((0, 0), []), "no timer is left behind"


async def test_a_limit_that_ends_after_the_turn_has_come_changes_nothing() -> None:
    scene = Scene(1, wait_s=30)
    await scene.arrive()
    await scene.arrive()
    scene.tasks[0].result().leave()
    scene.hands.turn(30)
    await breath()
    await scene.leave(1)
    assert (scene.came, scene.seen) == ([0, 1], (0, 0))


async def test_more_slots_let_more_in_and_fewer_interrupt_nobody() -> None:
    scene = Scene(1)
    for _ in range(4):
        await scene.arrive()
    scene.lane.adopt(Room("home", 3))
    await breath()
    assert (scene.came, scene.seen) == ([0, 1, 2], (3, 1))
    scene.lane.adopt(Room("home", 1))
    for number in (0, 1):
        await scene.leave(number)
        assert len(scene.came) == 3
    await scene.leave(2)
    assert scene.came == [0, 1, 2, 3]
    scene.lane.adopt(Room("home"))
    await scene.leave(3)
    assert scene.seen == (0, 0)


async def test_who_waits_is_told_its_place_how_long_and_why() -> None:
    scene = Scene(1, wait_s=600)
    for _ in range(3):
        await scene.arrive()
    first, second, third = scene.exchanges
    assert first.queue_place is None
    assert (second.queue_place, third.queue_place) != (None, None)
    assert [one.queue_place() for one in (second, third) if one.queue_place] == [0, 1]
    await scene.hands.turned(7)
    await scene.leave(0)
    await scene.hands.turned(3)
    await scene.leave(1)
    assert [one.queue_place for one in scene.exchanges] == [None] * 3
    assert [one.queued_s for one in scene.exchanges] == [0, 7, 10]
    assert [one.rules for one in scene.exchanges] == [(), (QUEUED.code,), (QUEUED.code,)]


async def test_waits_of_one_request_add_up() -> None:
    scene = Scene(1)
    exchange = Exchange("ex", "chat", 0.0)
    for _ in range(2):
        await scene.arrive()
        waiting = asyncio.create_task(scene.lane.enter("m", NO_TERMS, exchange))
        await breath()
        await scene.hands.turned(4)
        scene.tasks[-1].result().leave()
        (await waiting).leave()
    assert exchange.queued_s == 8


async def test_who_gives_up_is_told_no_more() -> None:
    scene = Scene(1)
    await scene.arrive()
    leaving = await scene.arrive()
    await scene.hands.turned(2)
    leaving.cancel()
    await breath()
    assert (scene.exchanges[1].queue_place, scene.exchanges[1].queued_s) == (None, 2)


async def test_one_of_low_priority_is_not_starved_for_ever() -> None:
    scene = Scene(1, wait_s=30)
    await scene.arrive()
    await scene.arrive(turn=Turn("low", priority="low"))
    await scene.arrive(turn=Turn("high", priority="high"))
    while 1 not in scene.came:
        await scene.arrive(turn=Turn("high", priority="high"))
        await scene.hands.turned(1)
        await scene.leave(scene.came[-1])
    assert scene.hands.now_s == 1020, (
        "after two thirds it stands beside those of high priority, and takes turns with them"
    )
    assert scene.exchanges[1].queued == MOVED_UP.code


async def test_a_model_that_refuses_gets_no_more_than_it_takes() -> None:
    scene = Scene(None, paced=True)
    for _ in range(10):
        await scene.arrive()
    await scene.leave(9, RateLimited("too many", limit=4))
    for _ in range(3):
        await scene.arrive()
    assert scene.seen == (9, 3)
    for number in range(5):
        await scene.leave(number)
    assert scene.seen == (4, 3)
    await scene.leave(5)
    assert (scene.seen, scene.came[-1], scene.exchanges[10].queued) == ((4, 2), 10, PACED.code)


async def test_models_are_paced_apart() -> None:
    scene = Scene(None, paced=True, published=(("pro", 1),))
    for model in ("pro", "pro", "flash", "flash"):
        await scene.arrive(model)
    assert (scene.came, scene.seen) == ([0, 2, 3], (3, 1))
    await scene.leave(2)
    assert scene.came == [0, 2, 3], "flash has no room for pro"
    await scene.leave(0)
    assert scene.came == [0, 2, 3, 1]


async def test_a_model_that_takes_no_more_does_not_block_the_slots() -> None:
    scene = Scene(2, paced=True, published=(("pro", 1),))
    for model in ("pro", "pro", "flash", "flash"):
        await scene.arrive(model)
    assert scene.came == [0, 2]
    await scene.leave(2)
    assert scene.came == [0, 2, 3]
    assert [scene.exchanges[number].queued for number in (1, 3)] == [None, QUEUED.code]


@pytest.mark.parametrize("error", [OVERLOADED, BackendFailed("no"), ClientLeft("left"), BackendTimedOut("late")])
async def test_only_a_refusal_for_its_rate_teaches_and_only_an_answer_rewards(error: GatewayError) -> None:
    scene = Scene(None, paced=True, published=(("m", 2),))
    for _ in range(8):
        await scene.arrive()
    for number in range(6):
        await scene.leave(number, error)
    assert scene.lane.paces["m"].limit == 2
    await scene.leave(6)
    assert scene.lane.paces["m"].limit == 2, "it was not full, so its answer says nothing"


async def test_answers_of_a_full_lane_let_more_in() -> None:
    scene = Scene(None, paced=True, published=(("m", 2),))
    for _ in range(8):
        await scene.arrive()
    await scene.leave(0)
    await scene.leave(1)
    assert (scene.lane.paces["m"].limit, scene.seen) == (3, (3, 3))


async def test_retry_after_pauses_the_model_and_no_other() -> None:
    scene = Scene(None, paced=True)
    await scene.arrive()
    await scene.leave(0, RateLimited("slow down", retry_after_s=7.0))
    await scene.arrive()
    await scene.arrive("other")
    assert (scene.came, scene.exchanges[1].queued) == ([0, 2], None)
    await scene.hands.turned(6.9)
    assert scene.came == [0, 2]
    await scene.hands.turned(0.1)
    assert (scene.came, scene.exchanges[1].queued, scene.exchanges[1].queued_s) == ([0, 2, 1], PACED.code, 7.0)


async def test_a_pause_has_an_end_whatever_was_asked_for() -> None:
    scene = Scene(None, paced=True)
    await scene.arrive()
    await scene.leave(0, RateLimited("slow down", retry_after_s=86_400))
    await scene.arrive()
    await scene.hands.turned(LONGEST_PAUSE_S - 0.1)
    assert scene.came == [0]
    await scene.hands.turned(0.1)
    assert scene.came == [0, 1]


async def test_without_pacing_refusals_change_nothing() -> None:
    scene = Scene(None, paced=False)
    for number in range(10):
        await scene.arrive()
        await scene.leave(number, RateLimited("no", limit=1, retry_after_s=5))
    assert (scene.came, scene.lane.paces, scene.hands.calls) == (list(range(10)), {}, [])


async def test_names_that_anybody_may_make_up_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.resilience.lane._MOST_PACES", 3)
    scene = Scene(None, paced=True)
    learned = await scene.lane.enter("learned")
    learned.leave(RateLimited("no", limit=1))
    busy = await scene.lane.enter("busy")
    for number in range(100):
        (await scene.lane.enter(f"name{number}")).leave()
    assert {"learned", "busy"} <= scene.lane.paces.keys()
    assert len(scene.lane.paces) <= 4
    busy.leave()
