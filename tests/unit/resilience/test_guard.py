"""The guard: its order, what it takes and gives back, and what of it the exchange and the client see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.support.guarded import Sleepless, asks_again
from tests.support.hands import Hands, breath
from tests.support.world import external, fake

from tidegate.backends.base import Room
from tidegate.backends.fake import FakeBackend
from tidegate.backends.registry import Registry
from tidegate.core.decision import Candidate
from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendTimedOut,
    BackendUnreachable,
    BreakerOpen,
    BrokenContract,
    BudgetSpent,
    ClientLeft,
    ClientMistake,
    ConnectionLost,
    GatewayError,
    RateLimited,
)
from tidegate.core.events import Start, frame_of
from tidegate.core.exchange import Exchange
from tidegate.core.terms import Terms
from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.deadline import Deadlines
from tidegate.resilience.guard import Asking, Guard, Held
from tidegate.resilience.lanes import OwnLanes
from tidegate.resilience.retry import RetryPolicy

FRAMES = [frame_of(Start(model="m"))]
GONE = BackendUnreachable("gone")
FAR = 1_000_000.0


class Answer:
    """Begins, and counts how often it is closed."""

    quirks = ()

    def __init__(self) -> None:
        self.closed = 0

    async def read(self) -> list[Any]:
        return []

    def close(self) -> None:
        self.closed += 1


class Noting(OwnLanes):
    """Notes in the common list when a place is taken and how it is left."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self.notes = notes

    async def enter(self, room: Room, *more: Any) -> Any:
        self.notes.append(f"queue {room.backend}")
        place, notes = await super().enter(room, *more), self.notes

        class Leaving:
            def leave(self, error: GatewayError | None = None) -> None:
                notes.append(f"left {room.backend} {type(error).__name__}")
                place.leave(error)

        return Leaving()


class NotingBreakers(OwnBreakers):
    def __init__(self, notes: list[str], now_s: Callable[[], float]) -> None:
        super().__init__(now_s)
        self.notes = notes

    def admit(self, backend: str, model: str, *, sole: bool) -> bool:
        self.notes.append(f"breaker {backend}{' sole' if sole else ''}")
        return super().admit(backend, model, sole=sole)


class Grants:
    """Terms that let through, or only home, or not at all."""

    def __init__(self, notes: list[str], through: bool | GatewayError) -> None:
        self.notes = notes
        self.through = through

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        self.notes.append(f"budget {most_usd}")
        if isinstance(self.through, GatewayError):
            raise self.through
        return self.through


class Stage:
    """A guard over backends whose answers are scripted: an error, or None for an answer that begins."""

    def __init__(self, script: dict[str, list[GatewayError | None]], *, through: bool | GatewayError = True) -> None:
        self.script = script
        self.notes: list[str] = []
        self.now_s = 1000.0
        self.hands = Hands()
        self.backends: list[FakeBackend] = [
            external(name) if name.startswith("cloud") else fake(name) for name in script
        ]
        self.candidates = [Candidate(name, "m") for name in script]
        self.exchange = Exchange("ex_1", "test", 0.0, terms=Terms("k"))
        self.exchange.elapsed_s = lambda: self.hands.now_s - 1000.0
        self.answers: list[Answer] = []
        self.sleep = Sleepless()
        self.guard = Guard(
            Registry(self.backends),
            allowances=Grants(self.notes, through),
            lanes=Noting(self.notes),
            breakers=NotingBreakers(self.notes, lambda: self.now_s),
            retry=asks_again(self.sleep),
            deadlines=Deadlines(900.0, self.hands),
        )

    async def ask(self, backend: Any, _candidate: Candidate) -> tuple[Any, list[Any]]:
        self.notes.append(f"call {backend.name}")
        step = self.script[backend.name].pop(0)
        if step is not None:
            raise step
        self.answers.append(Answer())
        return self.answers[-1], FRAMES

    async def begin(self, ask: Any = None) -> Held:
        asking = Asking(
            self.exchange,
            self.candidates,
            ask or self.ask,
            most_usd=lambda: Decimal("0.5"),
            fell_back="RTE030",
            waited="RTE031",
        )
        return await self.guard.begin(asking)

    async def error(self) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.begin()
        return caught.value

    @property
    def used(self) -> int:
        return sum(lane.used for lane in self.guard.lanes.view())

    def fail(self, backend: str, times: int = 3) -> None:
        for _ in range(times):
            self.guard.breakers.note(backend, "m", GONE)


async def test_the_order_is_budget_queue_breaker_call_and_the_place_is_left_at_the_end() -> None:
    stage = Stage({"a": [None]})
    held = await stage.begin()
    assert stage.notes == ["budget 0.5", "queue a", "breaker a sole", "call a"]
    assert (held.frames, stage.used) == (FRAMES, 1)
    held.close(ended=True)
    assert (stage.notes[-1], stage.used, stage.answers[0].closed) == ("left a NoneType", 0, 1)


async def test_each_attempt_takes_its_own_place_and_leaves_it_with_how_it_failed() -> None:
    stage = Stage({"a": [RateLimited("no"), None], "b": [BackendFailed("no")] * 3})
    (await stage.begin()).close(ended=True)
    calls = [note for note in stage.notes if note.startswith(("call", "left"))]
    assert calls == ["call a", "left a RateLimited", "call b", "left b BackendFailed", "call a", "left a NoneType"]
    assert (stage.sleep.pauses, stage.exchange.attempts) == ([0.5], ["a:RateLimited", "b:BackendFailed"])
    assert stage.exchange.rules == ("RTE030", "RES001")
    assert stage.used == 0


async def test_a_mistake_of_the_client_ends_it_and_touches_no_breaker() -> None:
    stage = Stage({"a": [ClientMistake("wrong")], "b": [None]})
    assert isinstance(await stage.error(), ClientMistake)
    assert (stage.guard.breakers.view(), stage.used, stage.sleep.pauses) == ([], 0, [])
    assert "call b" not in stage.notes


async def test_one_that_is_left_alone_is_passed_over_without_standing_in_its_line() -> None:
    stage = Stage({"a": [], "b": [None]})
    stage.fail("a")
    await stage.begin()
    assert stage.notes == ["budget 0.5", "queue b", "breaker b", "call b"]
    assert (stage.exchange.attempts, stage.exchange.rules) == (["a:BreakerOpen"], ("RTE030", "RES002"))


async def test_it_is_tried_all_the_same_when_all_others_have_failed() -> None:
    stage = Stage({"a": [None], "b": [BackendOverloaded("busy")]})
    stage.fail("a")
    (await stage.begin()).close(ended=True)
    assert [note for note in stage.notes if note.startswith("call")] == ["call b", "call a"]
    assert stage.exchange.rules == ("RTE030", "RES002", "RES003")
    assert stage.guard.breakers.view()[0].state == "closed"


async def test_while_one_request_tries_the_last_candidate_another_hears_why_and_when() -> None:
    stage = Stage({"a": []})
    stage.fail("a")
    first = asyncio.create_task(stage.begin(for_ever))
    await breath()
    error = await stage.error()
    assert isinstance(error, BreakerOpen)
    assert (error.status, error.retry_after_s, "RES003" in error.message) == (503, 10.0, True)
    assert (sum(stage.sleep.pauses), stage.exchange.attempts) == (10.0, ["a:BreakerOpen"])
    first.cancel()
    await breath()
    assert stage.used == 0
    stage.script["a"] = [None]
    await stage.begin()
    assert stage.guard.breakers.view()[0].state == "closed", "the try of who left was given back"


async def for_ever(_backend: Any, _candidate: Candidate) -> Any:
    return await asyncio.get_running_loop().create_future()


async def test_a_client_that_leaves_in_the_call_costs_the_backend_nothing() -> None:
    stage = Stage({"a": []})
    task = asyncio.create_task(stage.begin(for_ever))
    await breath()
    assert stage.used == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (stage.used, stage.notes[-1], stage.guard.breakers.view()) == (0, "left a ClientLeft", [])


async def test_a_fault_of_our_own_gives_back_all_that_was_taken() -> None:
    async def broken(_backend: Any, _candidate: Candidate) -> Any:
        raise KeyError("x")

    stage = Stage({"a": []})
    with pytest.raises(KeyError):
        await stage.begin(broken)
    assert (stage.used, stage.guard.breakers.view()) == (0, [])


async def test_what_breaks_off_counts_and_what_the_client_gives_up_does_not() -> None:
    stage = Stage({"a": [None, None, None]})
    (await stage.begin()).close()
    assert stage.guard.breakers.view() == []
    (await stage.begin()).close(BrokenContract("cut"))
    assert stage.guard.breakers.view()[0].failures == 1
    (await stage.begin()).close(ended=True)
    assert (stage.guard.breakers.view()[0].failures, stage.used) == (0, 0)


async def test_with_the_budget_used_up_only_backends_at_home_are_asked() -> None:
    stage = Stage({"cloud": [], "home": [None]}, through=False)
    await stage.begin()
    assert [note for note in stage.notes if note.startswith("call")] == ["call home"]
    with pytest.raises(BudgetSpent):
        await Stage({"cloud": []}, through=False).begin()


async def test_who_is_not_let_through_asks_nobody() -> None:
    stage = Stage({"a": []}, through=BudgetSpent("spent"))
    assert isinstance(await stage.error(), BudgetSpent)
    assert stage.notes == ["budget 0.5"]


async def test_one_that_has_just_gone_is_an_attempt_and_is_not_waited_for() -> None:
    stage = Stage({"gone": [], "a": [None]})
    stage.guard._backends = Registry(stage.backends[1:])  # type: ignore[reportPrivateUsage]
    await stage.begin()
    assert stage.exchange.attempts == ["gone:BackendUnreachable"]
    stage.candidates.pop()
    assert "has just gone" in (await stage.error()).message
    assert stage.sleep.pauses == []


async def test_at_its_deadline_a_request_is_stopped_wherever_it_is() -> None:
    stage = Stage({"a": []})
    task = asyncio.create_task(stage.begin(for_ever))
    await breath()
    await stage.hands.turned(899)
    assert not task.done()
    await stage.hands.turned(2)
    with pytest.raises(BackendTimedOut, match=r"within 900 s, see RES006; raise `\[retry\] deadline_s`"):
        await task
    assert (stage.used, stage.notes[-1]) == (0, "left a BackendTimedOut")
    assert stage.exchange.attempts == ["a:BackendTimedOut"]
    assert stage.guard.breakers.view()[0].failures == 1, "it had all of that time for itself"


async def test_a_deadline_that_others_have_used_up_is_no_failure_of_the_last_one() -> None:
    stage = Stage({"a": [GONE], "b": []})

    async def ask(backend: Any, candidate: Candidate) -> Any:
        if backend.name == "a":
            return await stage.ask(backend, candidate)
        return await for_ever(backend, candidate)

    task = asyncio.create_task(stage.begin(ask))
    await breath()
    await stage.hands.turned(901)
    with pytest.raises(BackendTimedOut):
        await task
    assert [view.backend for view in stage.guard.breakers.view()] == ["a"]
    waited = Stage({"a": []})
    waited.exchange.queued_s = 600.0
    task = asyncio.create_task(waited.begin(for_ever))
    await breath()
    await waited.hands.turned(901)
    with pytest.raises(BackendTimedOut):
        await task
    assert waited.guard.breakers.view() == []


async def test_no_pause_is_begun_that_would_end_after_the_deadline() -> None:
    stage = Stage({"a": [RateLimited("slow down", retry_after_s=30.0)]})
    stage.hands.now_s += 880
    assert isinstance(await stage.error(), RateLimited)
    assert stage.sleep.pauses == []


async def test_a_client_that_leaves_at_the_deadline_has_left() -> None:
    stage = Stage({"a": []})
    task = asyncio.create_task(stage.begin(for_ever))
    await breath()
    stage.hands.turn(901)
    task.cancel()
    await breath()
    assert task.cancelled()
    assert stage.used == 0


def test_a_client_left_is_not_what_a_breaker_counts() -> None:
    assert not ClientLeft.trips


async def test_a_lost_connection_is_replaced_at_once_and_both_sendings_are_noted() -> None:
    stage = Stage({"home": [ConnectionLost("lost"), None]})
    held = await stage.begin()
    assert stage.exchange.attempts == ["home:ConnectionLost"], "the second one is the answer's to note"
    assert (stage.notes.count("call home"), stage.sleep.pauses) == (2, [])
    assert stage.guard.breakers.view() == [], "it says nothing against the backend"
    held.close()


async def test_a_connection_that_is_lost_again_is_a_failure_like_others() -> None:
    stage = Stage({"home": [ConnectionLost("lost"), ConnectionLost("lost"), None]})
    (await stage.begin()).close()
    assert len(stage.sleep.pauses) == 1
    assert stage.exchange.attempts == ["home:ConnectionLost"] * 2


async def test_with_one_attempt_nothing_is_sent_a_second_time() -> None:
    stage = Stage({"home": [ConnectionLost("lost"), None]})
    stage.guard = Guard(Registry(stage.backends), breakers=stage.guard.breakers, retry=RetryPolicy(attempts=1))
    stage.exchange.terms = None
    assert isinstance(await stage.error(), ConnectionLost)
    assert stage.notes.count("call home") == 1
