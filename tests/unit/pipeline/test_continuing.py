"""An answer that broke off is gone on with: by whom, with what, and what the client, the ledger and the memories then know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, request
from tests.support.world import World, external, fake, heard

from tidegate.backends.base import Room
from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import DataClass
from tidegate.core.errors import (
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BoundaryBreach,
    BrokenContract,
    ClientMistake,
    GatewayError,
)
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.fold import fold
from tidegate.core.messages import ReasoningPart, TextPart
from tidegate.core.profile import Fact
from tidegate.core.requests import ChatRequest
from tidegate.core.terms import Terms
from tidegate.core.usage import Usage
from tidegate.ledger.entries import sends_of
from tidegate.routing.policy import Alias, Ask, Policy

CONTINUES = Policy(on_break="continue")
CUT = BrokenContract("cut")
USED = UsageReport(Usage(prompt=9, output=2, cache_hit=0))
REST = (Start(model="n"), Text("by "), Text("the moon."), Finish("stop"), USED, End())
Steps = Sequence[Event | GatewayError]


def broken(name: str, *said: Event, error: GatewayError = CUT, **more: Any) -> FakeBackend:
    steps = said or (Start(model="m", created=1), Text("Tides are "), Text("made "))
    return fake(name, *steps, error, **more)


def streamed(**changes: Any) -> ChatRequest:
    return request(stream=True, **changes)


def sent(backend: FakeBackend) -> ChatRequest:
    asked = backend.heard[-1]
    assert isinstance(asked, ChatRequest)
    return asked


async def cut_in(world: World, asked: ChatRequest | None = None, ask: Ask = Ask("auto")) -> str:  # noqa: B008
    with pytest.raises(GatewayError) as raised:
        await world.ask(ask, asked or streamed())
    return raised.value.message


async def test_the_next_candidate_goes_on_and_the_client_sees_one_answer() -> None:
    world = World(first := broken("a"), second := fake("b", *REST), policy=CONTINUES)
    said = await world.ask(asked=streamed(max_tokens=50))
    assert heard(first, second) == [1, 1]
    answer = fold(said)
    assert (answer.text, answer.finish, answer.start) == ("Tides are made by the moon.", "stop", Start("m", 1))
    turn = sent(second).messages[-1]
    assert (turn.role, turn.prefix, turn.parts) == ("assistant", True, (TextPart("Tides are made "),))
    assert sent(second).max_tokens == 47, "2 pieces, and 15 characters are at least 3 tokens"
    entry = world.entry
    assert (entry.status, entry.error, entry.backend, entry.attempts) == (200, None, "b", "a:BrokenContract,b:ok")
    assert "RES010" in entry.rules
    assert [one.backend for one in sends_of(entry) or ()] == ["a", "b"]
    assert (entry.prompt_tokens, entry.output_tokens) == (9, 2), "what the backend that ended it reported"


async def test_by_default_it_fails_and_nobody_else_is_asked() -> None:
    world = World(broken("a"), second := fake("b", *REST))
    assert await cut_in(world) == "cut"
    assert (heard(second), world.entry.status, "RES01" in world.entry.rules) == ([0], 502, False)


async def test_an_alias_has_a_policy_of_its_own() -> None:
    for own, route, goes_on in (("continue", "fail", True), ("fail", "continue", False), (None, "continue", True)):
        policy = Policy(aliases={"mine": Alias("mine", ("a", "b"), on_break=own)}, on_break=route)
        world = World(broken("a"), second := fake("b", *REST), policy=policy)
        if goes_on:
            await world.ask(Ask("mine"), streamed())
        else:
            await cut_in(world, ask=Ask("mine"))
        assert heard(second) == [int(goes_on)]


async def test_what_answers_each_is_never_continued() -> None:
    policy = Policy(aliases={"both": Alias("both", ("a", "b"), each=True)}, on_break="continue")
    world = World(broken("a"), second := fake("b", *REST), policy=policy)
    answer = fold(await world.ask(Ask("both"), streamed()))
    assert (heard(second), "(broke off: BrokenContract)" in answer.text) == ([1], True)


async def test_a_thought_that_was_cut_is_thought_on() -> None:
    first = broken("a", Start(), Reasoning("The moon "), Reasoning("pulls"))
    second = fake("b", Start(), Reasoning(" the sea."), Text("Tides."), Finish("stop"), End())
    answer = fold(await World(first, second, policy=CONTINUES).ask(asked=streamed()))
    assert (answer.reasoning, answer.text) == ("The moon pulls the sea.", "Tides.")
    assert sent(second).messages[-1].parts == (ReasoningPart("The moon pulls"), TextPart(""))


async def test_a_thought_stands_before_the_text_that_is_continued() -> None:
    first = broken("a", Start(), Reasoning("Moon."), Text("Ti"))
    await World(first, second := fake("b", *REST), policy=CONTINUES).ask(asked=streamed())
    assert sent(second).messages[-1].parts == (ReasoningPart("Moon."), TextPart("Ti"))
    assert sent(second).thought_before


async def test_a_prefix_of_the_clients_grows() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "The ", "reasoning_content": "R", "prefix": True},
    ]
    await World(broken("a"), second := fake("b", *REST), policy=CONTINUES).ask(asked=streamed(messages=turns))
    assert len(sent(second).messages) == 2
    assert sent(second).messages[-1].parts == (ReasoningPart("R"), TextPart("The Tides are made "))


async def test_it_may_break_off_three_times_and_no_more() -> None:
    again = [broken(name, Start(), Text(f"{name} ")) for name in "abcde"]
    world = World(*again, policy=CONTINUES)
    assert await cut_in(world) == "cut; it was not continued, see RES015"
    assert heard(*again) == [1, 1, 1, 1, 0]
    assert sent(again[3]).messages[-1].parts == (TextPart("a b c "),)
    assert world.entry.attempts == "a:BrokenContract,b:BrokenContract,c:BrokenContract,d:ok"
    assert world.entry.rules.endswith("RES010,RES015")


async def test_the_one_that_broke_off_is_asked_last_and_only_if_that_passes() -> None:
    for error, times in ((BackendTimedOut("stalled"), 2), (BackendOverloaded("busy"), 2), (CUT, 2)):
        steps: list[Steps] = [REST, (Start(), Text("Ti"), error)]
        world = World(only := FakeBackend("a", script=lambda _asked, steps=steps: steps.pop()), policy=CONTINUES)
        answer = fold(await world.ask(asked=streamed()))
        assert (answer.text, len(only.heard)) == ("Tiby the moon.", times)
        assert world.entry.attempts == f"a:{type(error).__name__},a:ok"
    refused = broken("a", error=BackendRefused("no"))
    assert (await cut_in(World(refused, policy=CONTINUES))).endswith("see RES014")
    assert len(refused.heard) == 1


async def test_who_fails_too_is_passed_over() -> None:
    busy, mistaken = fake("b", BackendOverloaded("")), fake("d", *REST)
    world = World(broken("a"), busy, mistaken, policy=CONTINUES)
    await world.ask(asked=streamed())
    assert world.entry.attempts == "a:BrokenContract,b:BackendOverloaded,d:ok"


async def test_when_nobody_can_the_client_hears_what_broke_it_off() -> None:
    world = World(broken("a"), fake("b", ClientMistake("you")), policy=CONTINUES)
    assert await cut_in(world) == "cut; it was not continued, see RES014"
    entry = world.entry
    assert (entry.status, entry.error, entry.backend) == (502, "BrokenContract", "a"), "what answered, as far as it did"
    assert entry.rules.endswith("RES014")
    assert "RES010" not in entry.rules


async def test_a_wall_that_had_to_hold_is_told_as_such() -> None:
    world = World(broken("a"), fake("b", BoundaryBreach("wall")), policy=CONTINUES)
    assert await cut_in(world) == "wall"


async def test_who_is_not_known_to_continue_a_prefix_is_not_asked() -> None:
    unable = fake("b", *REST)
    for way in ("refused", None):
        facts = (Fact("prefix", way, "declared"),) if way else ()
        view = unable.view
        unable._view = type(view)(view.name, view.boundary, view.accepts, "up", view.models, declared=facts)
        first = broken("a", error=BrokenContract("cut"))
        first._view = type(view)("a", view.boundary, view.accepts, "up", view.models, declared=facts)
        assert (await cut_in(World(first, unable, policy=CONTINUES))).endswith("see RES014")
    assert heard(unable) == [0]


UNFIT: list[tuple[str, dict[str, Any], Steps]] = [
    ("RES012", {"tools": [WEATHER]}, (Start(), Text("a"))),
    ("RES012", {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "json"}]}, ()),
    ("RES012", {"logprobs": True}, ()),
    ("RES012", {"n": 2}, ()),
    ("RES012", {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, ()),
    ("RES013", {"max_tokens": 2}, ()),
    ("RES013", {"stop": ["made it"]}, (Start(), Text("a"), Text(" made"))),
    ("RES013", {"thinking": {"type": "disabled"}}, (Start(), Reasoning("a"))),
    ("RES013", {}, (Start(), Text("a"), Reasoning("b"))),
    ("RES013", {}, (Start(), ToolCall(0, "c", "f", "{"))),
    ("RES011", {}, (Start(), Text("a"), Finish("stop"))),
    ("RES011", {}, (Start(), Text("a"), Finish("stop"), USED)),
]


@pytest.mark.parametrize(("code", "fields", "said"), UNFIT)
async def test_what_cannot_be_continued_fails_and_says_why(code: str, fields: dict[str, Any], said: Steps) -> None:
    steps = said or (Start(), Text("a"), Text("b"))
    world = World(fake("a", *steps, CUT), second := fake("b", *REST), policy=CONTINUES)
    assert await cut_in(world, streamed(**fields)) == f"cut; it was not continued, see {code}"
    assert (heard(second), world.entry.rules.endswith(code)) == ([0], True)


async def test_a_private_answer_is_continued_at_home_or_not_at_all() -> None:
    private = Ask("auto", wished_class=DataClass.PRIVATE)
    world = World(broken("home"), cloud := external("cloud", *REST), policy=CONTINUES)
    with pytest.raises(BrokenContract):
        await world.ask(private, streamed())
    assert (len(cloud.heard), world.entry.data_class) == (0, "private")
    world = World(broken("home"), cloud, den := fake("den", *REST), policy=CONTINUES)
    await world.ask(private, streamed())
    assert heard(cloud, den) == [0, 1]


class Raised:
    """A memory that puts something private back for whoever stands at home."""

    def put_back(self, _client: Any, asked: ChatRequest, view: Any, *, masked: bool = False) -> Any:
        return asked, DataClass.PRIVATE if view.accepts is DataClass.PRIVATE else None

    def keeper(self, _request: Any) -> None:
        return None


async def test_what_was_made_of_something_private_stays_at_home() -> None:
    """The request was public, and what the memory added was not: the text so far may speak of it."""
    memory: Any = Raised()
    world = World(broken("home"), cloud := external("cloud", *REST), policy=CONTINUES, memory=memory)
    with pytest.raises(BrokenContract):
        await world.ask(asked=streamed())
    assert heard(cloud)[0] == 0
    assert (world.entry.data_class, world.entry.backend) == ("private", "home")


async def test_cost_is_unknown_where_a_part_of_it_is() -> None:
    for first, second, cost in (
        (broken("a"), external("b", *REST), "0.00000012"),
        (fake("a", *REST), external("b"), None),
        (external("a", Start(), Text("Ti"), CUT), external("b", *REST), None),
        (external("a", Start(), Text("Ti"), CUT), fake("b", *REST), None),
    ):
        world = World(first, second, policy=CONTINUES)
        await world.ask(asked=streamed())
        assert world.entry.cost_usd == cost


async def test_an_unstreamed_answer_is_asked_for_anew() -> None:
    """Nothing of it went out, so it is no continuation."""
    world = World(broken("a"), second := fake("b", *REST), policy=CONTINUES)
    answer = fold(await world.ask(asked=request()))
    assert (answer.text, world.entry.attempts) == ("by the moon.", "a:BrokenContract,b:ok")
    assert not sent(second).messages[-1].prefix
    assert "RES010" not in world.entry.rules


async def test_what_is_compared_with_its_shadow_is_the_whole_answer() -> None:
    world = World(
        broken("a"),
        fake("b", *REST),
        fake("c", Start(), Text("Tides are made by the moon."), Finish("stop"), End()),
        policy=CONTINUES,
        shadow=("c",),
    )
    await world.ask(Ask("auto"), streamed())
    await world.gateway.shadow.settled()
    shadow = next(entry for entry in world.booked if entry.shadow_of is not None)
    assert orjson.loads(shadow.compared or "")["similarity"] == 1


async def test_a_shadow_itself_is_not_continued() -> None:
    world = World(fake("a", *REST), broken("b"), third := fake("c", *REST), policy=CONTINUES, shadow=("b",))
    await world.ask(Ask("auto"), streamed())
    await world.gateway.shadow.settled()
    assert heard(third) == [0]


class Slots(FakeBackend):
    """Has one slot, so whoever goes on there must have left it first."""

    def __init__(self, script: Any) -> None:
        super().__init__("a", script=script, room=Room("a", slots=1, queue=0))


async def test_its_place_is_free_before_it_is_asked_again() -> None:
    steps: list[Steps] = [REST, (Start(), Text("Ti"), CUT)]
    only = Slots(lambda _asked: steps.pop())
    await World(only, policy=CONTINUES).ask(asked=streamed())
    assert len(only.heard) == 2


async def test_a_client_that_leaves_while_it_is_gone_on_with_is_booked_as_left() -> None:
    waiting = asyncio.Event()

    class Waits(FakeBackend):
        async def open(self, *_: Any) -> Any:
            waiting.set()
            await asyncio.get_running_loop().create_future()

    world = World(first := broken("a"), Waits("b"), policy=CONTINUES)
    task = asyncio.create_task(world.ask(asked=streamed()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (world.entry.status, world.entry.error, heard(first)) == (499, "ClientLeft", [1])


async def test_it_has_a_time_of_its_own_to_begin_again() -> None:
    world = World(broken("a"), fake("b", *REST), policy=CONTINUES)
    await world.ask(asked=streamed())
    assert world.exchange is not None
    assert world.exchange.since_s > (world.exchange.first_frame_s or 0) > 0


async def test_what_is_known_of_the_cost_is_charged_all_the_same() -> None:
    """The cost is unknown; what counts against the budget is the most that the first part can have cost, and the second."""
    first, second = external("a", Start(), Text("Ti"), CUT), external("b", *REST)
    world = World(first, second, policy=CONTINUES)
    with world.gateway.exchange("test") as exchange:
        exchange.terms = Terms("k", budget_usd_per_day=Decimal(1))
        meant = await world.gateway.decide(exchange, Ask("auto"), streamed())
        async with aclosing(world.gateway.answer(exchange, meant)) as batches:
            async for _frames in batches:
                pass
    assert (heard(first, second), exchange.cost_usd) == ([1, 1], None)
    assert exchange.charged_usd == 2 * world.price("any", None, datetime.now(UTC))


def all_failures(kind: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [kind, *(one for sub in kind.__subclasses__() for one in all_failures(sub))]


@pytest.mark.parametrize("kind", [kind for kind in all_failures() if kind.fault == "backend"])
async def test_whatever_broke_it_off_is_what_the_client_hears(kind: type[GatewayError]) -> None:
    error = kind("it broke", retry_after_s=3)
    with pytest.raises(kind, match="it broke; it was not continued, see RES012") as raised:
        await World(broken("a", error=error), policy=CONTINUES).ask(asked=streamed(n=2))
    assert raised.value.retry_after_s == 3
