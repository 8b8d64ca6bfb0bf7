"""A backend that loads its model is waited for, but only when nobody else answers, and never longer than the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.hands import breath
from tests.support.world import World, external, fake, heard

from tidegate.backends.fake import FakeBackend, default_script
from tidegate.core.boundary import DataClass
from tidegate.core.errors import BackendLoading, BackendOverloaded, BackendTimedOut, BackendUnreachable, GatewayError
from tidegate.core.events import End
from tidegate.routing.policy import Ask

LOADING = BackendLoading("it loads")


def loads(name: str, times: int, *, then: Sequence[Any] = (), **more: Any) -> FakeBackend:
    """Says so often that it loads, and answers after that."""
    said = [0]

    def script(request: Any) -> Sequence[Any]:
        said[0] += 1
        return [LOADING] if said[0] <= times else then or default_script(request)

    return FakeBackend(name, script=script, **more)


class Waiting:
    """Sleeps without time, and keeps how long it would have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


def world(*backends: FakeBackend, load_s: float = 600.0) -> tuple[World, Waiting]:
    made, waiting = World(*backends), Waiting()
    made.gateway._patience = Patience(load_s, waiting)
    return made, waiting


@pytest.mark.parametrize("load_s", [0.1, 0.25, 1.0, 7.0, 600.0])
def test_pauses_grow_to_a_bound_and_last_as_long_as_the_limit(load_s: float) -> None:
    pauses = list(Patience(load_s).pauses_s())
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
    assert (heard(home, down), waiting.pauses) == ([3, 1], [0.25, 0.5])
    assert made.entry.attempts == "home:BackendLoading,down:BackendUnreachable,home:ok"
    assert made.entry.rules.endswith("RTE030,RTE031")


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
async def test_one_that_fails_after_its_load_is_not_asked_again(failure: GatewayError) -> None:
    made, waiting = world(home := loads("home", 1, then=(failure,)))
    with pytest.raises(type(failure)):
        await made.ask()
    assert (heard(home), waiting.pauses) == ([2], [0.25])


async def test_a_private_request_waits_at_home_and_asks_no_cloud() -> None:
    made, _ = world(cloud := external("cloud"), home := loads("home", 5))
    await made.ask(Ask("auto", wished_class=DataClass.PRIVATE))
    assert (heard(cloud, home), made.entry.backend) == ([0, 6], "home")


async def test_a_client_that_leaves_ends_the_waiting() -> None:
    made = World(home := loads("home", 10_000))
    entered = asyncio.Event()

    async def for_ever(_seconds: float) -> None:
        entered.set()
        await asyncio.get_running_loop().create_future()

    made.gateway._patience = Patience(600, for_ever)
    asking = asyncio.create_task(made.ask())
    await entered.wait()
    asking.cancel()
    await breath()
    assert asking.cancelled()
    assert (made.entry.status, made.entry.error, heard(home)) == (499, "ClientLeft", [1])
    assert home.slots.used == 0
