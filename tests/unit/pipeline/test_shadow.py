"""Shadows: public answers only, after the client's, one at a time per target, in numbers, and never where it was not allowed."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from tests.support.hands import breath
from tests.support.samples import request
from tests.support.world import World, external, fake, heard

from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendUnreachable
from tidegate.core.events import End, Finish, Start, Text, UsageReport
from tidegate.core.exchange import Send
from tidegate.core.usage import Usage
from tidegate.pipeline.replay import ReasoningMemory
from tidegate.pipeline.shadow import MOST_WAITING
from tidegate.routing.policy import Alias, Ask, Policy

SAYS = (Start(model="m"), Text("Other words here"), Finish("length"), UsageReport(Usage(prompt=3, output=4)), End())
BOTH = Policy(aliases={"a": Alias("a", ("hosted", "home")), "near": Alias("near", ("home",))})


async def asked(world: World, ask: Ask = Ask("a"), **fields: Any) -> None:  # noqa: B008
    await world.ask(ask, request(**fields))
    await world.gateway.shadow.settled()


async def test_the_same_request_is_asked_once_more_and_compared() -> None:
    hosted, home = external("hosted"), fake("home", *SAYS)
    world = World(hosted, home, policy=BOTH, shadow=("home",))
    compared: list[str | None] = []
    await asked(_keep_compared(world, compared))
    first, second = world.booked
    assert (first.surface, first.backend, second.surface, second.backend) == ("test", "hosted", "shadow", "home")
    assert (second.status, second.data_class, second.asked_model) == (200, "public", "home")
    assert second.rules.split(",")[-1] == "RTE050"
    assert "RTE050" not in first.rules
    assert (first.output_tokens, second.output_tokens) == (9, 4)
    assert home.heard[0].messages == hosted.heard[0].messages  # pyright: ignore[reportAttributeAccessIssue]
    found = json.loads(compared[-1] or "")
    assert (found["same_finish"], found["same_calls"]) == (False, True)
    assert (found["first"]["backend"], found["shadow"]["backend"]) == ("hosted", "home")
    assert (found["first"]["text_chars"], found["shadow"]["text_chars"]) == (34, 16)
    assert "words" not in compared[-1]  # pyright: ignore[reportOperatorIssue]
    (view,) = world.gateway.shadow.view()
    assert view == {
        "to": "home",
        "waiting": 0,
        "compared": 1,
        "failed": 0,
        "dropped": 0,
        "same_finish": 0,
        "similarity": found["similarity"],
        "last": second.exchange_id,
    }


def _keep_compared(world: World, compared: list[str | None]) -> World:
    """What each exchange holds in `compared` when it is booked."""
    settle = world.gateway._settle

    def noting(exchange: Any) -> None:
        compared.append(exchange.compared)
        settle(exchange)

    world.gateway._settle = noting
    return world


async def test_it_begins_when_the_clients_answer_is_over() -> None:
    hosted, home = external("hosted"), fake("home")
    world = World(hosted, home, policy=BOTH, shadow=("home",))
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("a"), request())
        async with aclosing(world.gateway.answer(exchange, meant)) as batches:
            async for _frames in batches:
                await breath()
                assert home.heard == []
    await world.gateway.shadow.settled()
    assert len(home.heard) == 1


@pytest.mark.parametrize(
    "ask",
    [
        Ask("a", wished_class=DataClass.INTERNAL),
        Ask("a", wished_class=DataClass.PRIVATE),
        Ask("a", client_class=DataClass.INTERNAL),
        Ask("local"),
        Ask("hosted"),
        Ask("hosted/fake"),
    ],
)
async def test_what_is_not_public_or_names_its_place_has_no_shadow(ask: Ask) -> None:
    hosted, home, spare = external("hosted"), fake("home"), fake("spare")
    world = World(hosted, home, spare, policy=BOTH, shadow=("spare",))
    await asked(world, ask)
    assert len(world.booked) == 1
    assert spare.heard == []


@pytest.mark.parametrize("action", ["mask", "local", "block"])
async def test_what_a_row_of_the_policy_masks_or_keeps_has_no_shadow(action: str) -> None:
    home = fake("home")
    world = World(external("hosted"), home, policy=BOTH, shadow=("home",))
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("a"), request())
        exchange.action = action
        async with aclosing(world.gateway.answer(exchange, meant)) as batches:
            async for _frames in batches:
                pass
    await world.gateway.shadow.settled()
    assert home.heard == []


async def test_what_was_sent_masked_has_no_shadow() -> None:
    home = fake("home")
    world = World(external("hosted"), home, policy=BOTH, shadow=("home",))
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("a"), request())
        exchange.sends.append(Send("hosted", Boundary.EXTERNAL, DataClass.PUBLIC, masked=True))
        async with aclosing(world.gateway.answer(exchange, meant)) as batches:
            async for _frames in batches:
                pass
    await world.gateway.shadow.settled()
    assert home.heard == []


async def test_a_class_that_was_raised_by_what_was_remembered_counts() -> None:
    home = fake("home")
    world = World(external("hosted"), home, policy=BOTH, shadow=("home",))
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("a"), request())
        async with aclosing(world.gateway.answer(exchange, meant)) as batches:
            async for _frames in batches:
                exchange.data_class = DataClass.PRIVATE
    await world.gateway.shadow.settled()
    assert home.heard == []


async def test_what_could_not_have_left_does_not_leave_as_a_shadow() -> None:
    hosted, home = external("hosted"), fake("home")
    world = World(hosted, home, policy=BOTH, shadow=("hosted",))
    await asked(world, Ask("near"))
    assert heard(hosted, home) == [0, 1]
    await asked(world, Ask("auto"))
    assert heard(hosted, home) == [1, 1], "who answered is not compared with itself"
    home_first = World(home, hosted, policy=BOTH, shadow=("hosted",))
    await asked(home_first, Ask("auto"))
    assert heard(hosted, home) == [2, 2]


async def test_a_failed_answer_has_no_shadow_and_a_failed_shadow_changes_nothing() -> None:
    home = fake("home", BackendUnreachable(""))
    world = World(external("hosted"), home, policy=BOTH, shadow=("home", "gone"))
    await asked(world)
    assert [entry.status for entry in world.booked] == [200, 503, 400]
    assert [(lane["failed"], lane["similarity"]) for lane in world.gateway.shadow.view()] == [(1, None), (1, None)]
    broken = World(external("hosted", BackendUnreachable("")), home, policy=BOTH, shadow=("home",))
    with pytest.raises(BackendUnreachable):
        await asked(broken)
    assert len(broken.booked) == 1


async def test_a_fault_of_ours_in_a_shadow_stays_there(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_request: Any) -> Any:
        raise RuntimeError("canary")

    home = fake("home")
    home._script = fails
    world = World(external("hosted"), home, policy=BOTH, shadow=("home",))
    await asked(world)
    assert [entry.status for entry in world.booked] == [200, 500]
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text


async def test_a_share_is_every_nth() -> None:
    home = fake("home")
    world = World(external("hosted"), home, policy=BOTH, shadow=("home",), share=0.25)
    for _ in range(9):
        await asked(world)
    assert len(home.heard) == 2


class Slow(FakeBackend):
    """Answers when it is let go; counts who is there at the same time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.go = asyncio.Event()
        self.inside = self.most = 0

    async def open(self, request: Any, model: str, data_class: DataClass, holds: Any = None) -> Any:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.go.wait()
            return await super().open(request, model, data_class)
        finally:
            self.inside -= 1


async def test_a_target_has_one_at_a_time_and_what_piles_up_is_dropped() -> None:
    slow = Slow("slow")
    world = World(external("hosted"), slow, policy=BOTH, shadow=("slow",))
    for _ in range(MOST_WAITING + 3):
        await world.ask(Ask("a"))
    await breath()
    (view,) = world.gateway.shadow.view()
    assert (view["waiting"], view["dropped"], slow.most) == (MOST_WAITING, 3, 1)
    slow.go.set()
    await world.gateway.shadow.settled()
    (view,) = world.gateway.shadow.view()
    assert (view["waiting"], view["compared"], slow.most) == (0, MOST_WAITING, 1)


async def test_stopping_ends_what_is_under_way() -> None:
    slow = Slow("slow")
    world = World(external("hosted"), slow, policy=BOTH, shadow=("slow",))
    for _ in range(3):
        await world.ask(Ask("a"))
    await breath()
    await world.gateway.shadow.stop()
    assert world.gateway.shadow.view()[0]["waiting"] == 0
    assert slow.inside == 0
    assert [entry.status for entry in world.booked] == [200, 200, 200, 499]


async def test_a_shadows_answer_is_not_remembered_as_a_turn() -> None:
    memory = ReasoningMemory(10_000, key=b"k")
    world = World(external("hosted"), fake("home"), policy=BOTH, shadow=("home",), memory=memory)
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    await world.ask(Ask("a"), request(tools=[tool]))
    kept = list(memory._entries)
    await world.gateway.shadow.settled()
    assert len(world.booked) == 2
    assert list(memory._entries) == kept
    assert len(kept) == 1


async def test_json_is_looked_at_where_it_was_asked_for() -> None:
    compared: list[str | None] = []
    home = fake("home", Start(), Text('{"a": 1}'), Finish("stop"), End())
    world = _keep_compared(World(external("hosted"), home, policy=BOTH, shadow=("home",)), compared)
    await asked(world, response_format={"type": "json_object"})
    found = json.loads(compared[-1] or "")
    assert (found["first"]["json"], found["shadow"]["json"]) == (False, True)
