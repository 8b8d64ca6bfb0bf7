"""Who is asked next and after what pause: others first, then again with back-off, a loading one with patience, none too long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.guarded import Sleepless, asks_again, used
from tests.support.hands import breath
from tests.support.world import World, external, fake, heard

from tidegate.backends.fake import FakeBackend, default_script
from tidegate.core.boundary import DataClass
from tidegate.core.decision import Candidate
from tidegate.core.errors import (
    BackendLoading,
    BackendOverloaded,
    BackendTimedOut,
    BackendUnreachable,
    BreakerOpen,
    ClientMistake,
    GatewayError,
    NoBalance,
    NotSupported,
    RateLimited,
)
from tidegate.core.events import End
from tidegate.resilience.retry import RetryPolicy, Tries
from tidegate.routing.policy import Ask

LOADING, BUSY, BROKE = BackendLoading("it loads"), BackendOverloaded("busy"), NoBalance("no money")
OPEN = BreakerOpen("left alone", retry_after_s=9.0)
A, B, C = (Candidate(name, "m") for name in "abc")


class Script:
    """The tries of one request whose candidates fail as written, one error for each time they are asked."""

    def __init__(self, errors: dict[Candidate, list[GatewayError]], **more: Any) -> None:
        self.sleep = Sleepless()
        self.errors = errors
        self.tries = Tries(asks_again(self.sleep, **more), list(errors))
        self.asked: list[str] = []
        self.soles: list[bool] = []

    async def play(self, left_s: float = 900.0) -> GatewayError | None:
        """The error that is heard, or None once a candidate has no error left."""
        try:
            while True:
                candidate = self.tries.take() or await self.tries.after_pause(left_s - sum(self.sleep.pauses))
                self.asked.append(candidate.backend)
                self.soles.append(self.tries.sole)
                if not self.errors[candidate]:
                    return None
                self.tries.asked = True
                self.tries.failed(candidate, self.errors[candidate].pop(0))
        except GatewayError as error:
            return error

    @property
    def seen(self) -> tuple[str, list[float]]:
        return "".join(self.asked), self.sleep.pauses


async def test_all_are_asked_without_a_pause_then_those_again_whose_error_says_so() -> None:
    script = Script({A: [BUSY] * 9, B: [BROKE], C: [BUSY] * 9})
    assert await script.play() is BUSY
    assert script.seen == ("abcacac", [0.5, 1.0])


async def test_the_first_that_answers_ends_it() -> None:
    script = Script({A: [BUSY], B: [BUSY]})
    assert await script.play() is None
    assert script.seen == ("aba", [0.5])


@pytest.mark.parametrize(("attempts", "asked"), [(1, "ab"), (2, "aba"), (5, "abaaaa")])
async def test_each_is_asked_as_often_as_the_policy_says(attempts: int, asked: str) -> None:
    script = Script({A: [BUSY] * 9, B: [BROKE] * 9}, attempts=attempts)
    await script.play()
    assert "".join(script.asked) == asked


async def test_pauses_double_up_to_the_longest_and_any_number_of_them_is_a_number() -> None:
    script = Script({A: [BUSY] * 9}, attempts=7)
    await script.play()
    assert script.sleep.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert RetryPolicy(jitter=0).pause_s(100_000) == 10.0


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 2.0), (0.5, 1.5), (0.999, 1.001)])
def test_a_part_of_each_pause_is_left_to_chance(chance: float, pause_s: float) -> None:
    assert RetryPolicy(chance=lambda: chance, jitter=0.5).pause_s(3) == pytest.approx(pause_s)


async def test_an_error_that_says_never_ends_it_at_once() -> None:
    script = Script({A: [BUSY], B: [ClientMistake("wrong")], C: []})
    assert isinstance(await script.play(), ClientMistake)
    assert script.seen == ("ab", [])


async def test_what_its_line_refused_is_not_asked_again() -> None:
    script = Script({A: [BUSY], B: [BUSY]})
    for candidate in (A, B):
        assert script.tries.take() is candidate
        script.tries.asked = candidate is B
        script.tries.failed(candidate, BUSY)
    assert await script.tries.after_pause(900) is B
    script.tries.failed(B, BUSY)
    with pytest.raises(BackendOverloaded):
        await script.tries.after_pause(900)


@pytest.mark.parametrize(("told_s", "pauses"), [(0.1, [0.5]), (7.0, [7.0]), (60.0, [60.0]), (61.0, [])])
async def test_one_that_says_when_to_come_back_is_not_asked_before(told_s: float, pauses: list[float]) -> None:
    told = RateLimited("slow down", retry_after_s=told_s)
    script = Script({A: [told]})
    assert await script.play() is (told if not pauses else None)
    assert script.sleep.pauses == pauses


async def test_each_waits_for_its_own_pause_and_the_order_of_the_decision_holds() -> None:
    slow = RateLimited("slow down", retry_after_s=1.0)
    script = Script({A: [slow, slow], B: [BUSY, BUSY]})
    await script.play()
    assert script.seen == ("abbab", [0.5, 0.5, 0.5]), "b after 0.5 s, a after 1 s, then b after 1 s more"


@pytest.mark.parametrize(("left_s", "asked"), [(0.5, "a"), (0.51, "aa"), (1.4, "aa"), (1.6, "aaa")])
async def test_no_pause_is_begun_that_would_end_after_the_deadline(left_s: float, asked: str) -> None:
    script = Script({A: [BUSY] * 9})
    assert await script.play(left_s) is BUSY
    assert ("".join(script.asked), sum(script.sleep.pauses) < left_s) == (asked, True)


async def test_one_that_is_left_alone_is_asked_when_all_others_have_failed_and_without_a_pause() -> None:
    script = Script({A: [OPEN], B: [BROKE], C: [BUSY] * 9})
    assert await script.play() is None
    assert script.seen == ("abca", [])
    assert script.soles == [False, False, False, True]


async def test_with_all_left_alone_each_is_tried_as_the_last_one() -> None:
    script = Script({A: [OPEN] * 99, B: [OPEN] * 99})
    assert await script.play() is OPEN
    assert script.asked[:4] == ["a", "b", "a", "b"]
    assert script.soles[:4] == [False, False, True, True]
    assert script.sleep.pauses == [0.5, 1.0, 2.0, 4.0, 2.5], "somebody else tries them: it may be over at any moment"


async def test_waiting_for_what_another_request_finds_out_is_no_attempt() -> None:
    script = Script({A: [OPEN, OPEN, OPEN, BUSY, BUSY]})
    assert await script.play() is None
    assert script.seen == ("aaaaaa", [0.5, 1.0, 2.0, 0.5, 1.0])
    impatient = Script({A: [OPEN, OPEN]}, attempts=1)
    assert await impatient.play() is None


@pytest.mark.parametrize(("errors", "heard_error"), [((BROKE, OPEN), BROKE), ((OPEN, NotSupported("no")), OPEN)])
async def test_left_alone_tells_less_than_a_failure_and_more_than_not_supported(
    errors: tuple[GatewayError, GatewayError], heard_error: GatewayError
) -> None:
    script = Script({A: [errors[0]] * 99, B: [errors[1]] * 99})
    assert await script.play() is heard_error


def loads(name: str, times: int, *, then: Sequence[Any] = (), **more: Any) -> FakeBackend:
    """Says so often that it loads, and answers after that."""
    said = [0]

    def script(request: Any) -> Sequence[Any]:
        said[0] += 1
        return [LOADING] if said[0] <= times else then or default_script(request)

    return FakeBackend(name, script=script, **more)


def world(*backends: FakeBackend, load_s: float = 600.0) -> tuple[World, Sleepless]:
    waiting = Sleepless()
    return World(*backends, retry=asks_again(waiting, load_s=load_s)), waiting


@pytest.mark.parametrize("load_s", [0.1, 0.25, 1.0, 7.0, 600.0])
async def test_pauses_for_a_load_grow_to_a_bound_and_last_as_long_as_the_limit(load_s: float) -> None:
    script = Script({A: [LOADING] * 1000}, load_s=load_s)
    assert await script.play() is LOADING
    pauses = script.sleep.pauses
    assert sum(pauses) == pytest.approx(load_s)
    assert all(0 < pause <= 5 for pause in pauses)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert pauses[0] == min(0.25, load_s)


async def test_the_only_candidate_is_asked_again_until_it_has_loaded() -> None:
    made, waiting = world(home := loads("home", 3))
    said = await made.ask()
    assert said[-1] == End()
    assert (heard(home), waiting.pauses) == ([4], [0.25, 0.5, 1.0])
    assert made.entry.attempts == "home:BackendLoading,home:ok"
    assert "RTE031" in made.entry.rules
    assert "RTE030" not in made.entry.rules


async def test_who_is_up_answers_at_once_and_nobody_waits() -> None:
    made, waiting = world(home := loads("home", 9), den := fake("den"))
    await made.ask()
    assert (heard(home, den), waiting.pauses) == ([1, 1], [])
    assert made.entry.attempts == "home:BackendLoading,den:ok"
    assert "RTE031" not in made.entry.rules


async def test_one_that_loads_is_waited_for_when_all_others_failed() -> None:
    down = fake("down", BackendUnreachable("gone"))
    made, waiting = world(home := loads("home", 2), down)
    await made.ask()
    assert (heard(home, down), waiting.pauses) == ([3, 2], [0.25, 0.25, 0.25])
    again = "down:BackendUnreachable"
    assert made.entry.attempts == f"home:BackendLoading,{again},{again},home:ok"
    assert made.entry.rules.endswith("RTE030,RTE031,RES001")


async def test_of_two_that_load_the_first_to_be_ready_answers() -> None:
    made, _ = world(slow := loads("slow", 9), quick := loads("quick", 2))
    await made.ask()
    assert (heard(slow, quick), made.entry.backend) == ([3, 3], "quick")
    assert made.entry.attempts == "slow:BackendLoading,quick:BackendLoading,quick:ok"


async def test_the_waiting_ends_with_its_limit() -> None:
    made, waiting = world(home := loads("home", 10_000), load_s=60)
    with pytest.raises(BackendLoading):
        await made.ask()
    assert sum(waiting.pauses) == pytest.approx(60)
    assert heard(home) == [len(waiting.pauses) + 1]
    assert (made.entry.status, made.entry.error) == (503, "BackendLoading")
    assert made.entry.attempts == "home:BackendLoading"


@pytest.mark.parametrize("failure", [BackendTimedOut("slow"), BackendOverloaded("full")])
async def test_one_that_fails_after_its_load_is_asked_as_often_as_any_other(failure: GatewayError) -> None:
    made, waiting = world(home := loads("home", 1, then=(failure,)))
    with pytest.raises(type(failure)):
        await made.ask()
    assert (heard(home), waiting.pauses) == ([4], [0.25, 0.5, 1.0])
    assert made.entry.rules.endswith("RTE031,RES001")


async def test_a_private_request_waits_at_home_and_asks_no_cloud() -> None:
    made, _ = world(cloud := external("cloud"), home := loads("home", 5))
    await made.ask(Ask("auto", wished_class=DataClass.PRIVATE))
    assert (heard(cloud, home), made.entry.backend) == ([0, 6], "home")


async def test_a_client_that_leaves_ends_the_waiting() -> None:
    entered = asyncio.Event()

    async def for_ever(_seconds: float) -> None:
        entered.set()
        await asyncio.get_running_loop().create_future()

    made = World(home := loads("home", 10_000), retry=asks_again(for_ever))
    asking = asyncio.create_task(made.ask())
    await entered.wait()
    asking.cancel()
    await breath()
    assert asking.cancelled()
    assert (made.entry.status, made.entry.error, heard(home)) == (499, "ClientLeft", [1])
    assert used(made.gateway.guard, "home") == 0
