"""The journey of one request: candidates in order, fallback only before the first frame, booked exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.samples import request
from tests.support.world import World, external, fake, heard

from tidegate.backends.fake import FakeBackend
from tidegate.backends.registry import Registry
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Snapshot
from tidegate.core.errors import (
    BackendFailure,
    BackendOverloaded,
    BackendTimedOut,
    BackendUnreachable,
    BoundaryBreach,
    BrokenContract,
    ClientMistake,
    GatewayError,
    NoBalance,
    NotSupported,
    PolicyRefusal,
    RateLimited,
    UnknownModel,
)
from tidegate.core.events import End, Event, Finish, Frame, Start, Text, UsageReport, frame_of
from tidegate.core.exchange import Send
from tidegate.core.requests import ChatRequest
from tidegate.core.usage import Usage
from tidegate.ledger.entries import sends_of
from tidegate.pipeline import gateway as gateway_module
from tidegate.routing.policy import Ask, Policy

EXTERNAL = Boundary.EXTERNAL
PRIVATE = Ask("auto", wished_class=DataClass.PRIVATE)
Steps = Sequence[Event | GatewayError]
STREAMED = request(stream=True)


async def test_an_answer_is_handed_on_and_booked() -> None:
    world = World(fake("a"))
    said = await world.ask()
    assert (said[0], said[-1]) == (Start(model="fake", created=0), End())
    entry = world.entry
    assert (entry.status, entry.error, entry.backend, entry.model, entry.boundary) == (200, None, "a", "fake", "device")
    assert (entry.exchange_id, entry.surface, entry.arrived_at) == ("ex_" + "0" * 32, "test", 1_700_000_000.5)
    assert (entry.prompt_tokens, entry.output_tokens, entry.finish) == (1, 9, "stop")
    assert (entry.attempts, entry.data_class) == ("a:ok", "public")
    assert (entry.first_frame_s, entry.duration_s) == (1.0, 2.0)
    assert "RTE030" not in entry.rules


async def test_candidates_are_asked_in_order_until_one_answers() -> None:
    busy, slow, good, never = (
        fake("busy", BackendOverloaded("")),
        fake("slow", BackendTimedOut("")),
        fake("c"),
        fake("d"),
    )
    world = World(busy, slow, good, never)
    await world.ask()
    assert heard(busy, slow, good, never) == [1, 1, 1, 0]
    assert world.entry.attempts == "busy:BackendOverloaded,slow:BackendTimedOut,c:ok"
    assert world.entry.rules.endswith("RTE030")
    assert (world.entry.backend, world.entry.status, world.entry.error) == ("c", 200, None)


@pytest.mark.parametrize("failure", [*BackendFailure.__subclasses__(), BackendFailure])
async def test_any_failure_of_a_backend_lets_the_next_one_try(failure: type[BackendFailure]) -> None:
    world = World(fake("a", failure("no")), good := fake("b"))
    await world.ask()
    assert (heard(good), world.entry.status) == ([1], 200)


@pytest.mark.parametrize("mistake", [ClientMistake("wrong"), BoundaryBreach("wall"), PolicyRefusal("no")])
async def test_a_mistake_a_breach_and_a_refusal_are_not_tried_elsewhere(mistake: GatewayError) -> None:
    world = World(fake("a", mistake), other := fake("b"))
    with pytest.raises(type(mistake)):
        await world.ask()
    assert heard(other) == [0]
    assert (world.entry.status, world.entry.error) == (mistake.status, type(mistake).__name__)
    assert "RTE030" not in world.entry.rules


async def test_every_sending_is_booked_whether_or_not_it_answered() -> None:
    world = World(fake("a", BackendTimedOut("")), external("b", BoundaryBreach("wall")), fake("c"))
    with pytest.raises(BoundaryBreach):
        await world.ask()
    public = DataClass.PUBLIC
    assert sends_of(world.entry) == [Send("a", Boundary.DEVICE, public, False), Send("b", EXTERNAL, public, False)]


async def test_a_failure_after_the_first_word_is_never_tried_elsewhere() -> None:
    cut = fake("a", Start(model="m"), Text("half"), BrokenContract("cut"))
    world = World(cut, other := fake("b"))
    with pytest.raises(BrokenContract, match="cut"):
        await world.ask(asked=STREAMED)
    assert heard(other) == [0]
    assert (world.entry.status, world.entry.error, world.entry.attempts) == (502, "BrokenContract", "a:ok")


class OwnAnswer(FakeBackend):
    """Its answer is written in `read`; counts how often that was closed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.quirks: list[str] = []
        self.closed = 0

    async def open(self, *_: Any) -> Any:
        return self

    async def read(self) -> list[Frame]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


class FailsAtFirstRead(OwnAnswer):
    """Agrees to answer, then fails before its first frame."""

    async def read(self) -> list[Frame]:
        self.quirks.append("XYZ001")
        raise BrokenContract("nothing came")


class Endless(OwnAnswer):
    """Says one word, then nothing for ever; an event tells that it has begun."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.begun = asyncio.Event()

    async def read(self) -> list[Frame]:
        if self.begun.is_set():
            return await asyncio.get_running_loop().create_future()
        self.begun.set()
        return [frame_of(Start(model="m")), frame_of(Text("one"))]


class Quirky(OwnAnswer):
    """Has one quirk from the request on and finds another while it answers."""

    async def open(self, *_: Any) -> Any:
        self.quirks = ["QRK001"]
        self.steps: list[tuple[Event, ...]] = [(Start(),), (Text("a"), Finish("stop")), (End(),)]
        return self

    async def read(self) -> list[Frame]:
        if len(self.steps) == 1:
            self.quirks += ["QRK002", "QRK001"]
        return [frame_of(*self.steps.pop(0))] if self.steps else []


async def test_a_failure_before_the_first_frame_falls_back_and_closes_what_was_opened() -> None:
    world = World(first := FailsAtFirstRead("a"), fake("b"))
    await world.ask()
    assert (first.closed, world.entry.attempts, world.entry.quirks) == (1, "a:BrokenContract,b:ok", "")


async def test_when_all_fail_the_last_failure_is_the_answer() -> None:
    world = World(fake("a", RateLimited("slow down")), fake("b", NoBalance("Insufficient Balance")))
    with pytest.raises(NoBalance):
        await world.ask()
    assert (world.entry.status, world.entry.attempts) == (402, "a:RateLimited,b:NoBalance")


async def test_what_one_backend_cannot_do_is_asked_of_the_next() -> None:
    world = World(fake("a", NotSupported("no prefix")), good := fake("b"))
    await world.ask()
    assert (heard(good), world.entry.status) == ([1], 200)
    assert world.entry.attempts == "a:NotSupported,b:ok"
    assert world.entry.rules.endswith("RTE030")


NOT_SUPPORTED, FAILED = NotSupported("a cannot"), RateLimited("slow down")


@pytest.mark.parametrize(
    ("errors", "heard_error"),
    [
        ((NOT_SUPPORTED, NotSupported("b cannot either")), "b cannot either"),
        ((NOT_SUPPORTED, FAILED), "slow down"),
        ((FAILED, NOT_SUPPORTED), "slow down"),
        ((NotSupported("x"), NoBalance("first failure"), NOT_SUPPORTED, FAILED, NOT_SUPPORTED), "slow down"),
    ],
)
async def test_a_failure_tells_more_than_what_is_not_supported(
    errors: Sequence[GatewayError], heard_error: str
) -> None:
    world = World(*(fake(f"b{place}", error) for place, error in enumerate(errors)))
    with pytest.raises(GatewayError, match=heard_error):
        await world.ask()
    assert world.entry.attempts == ",".join(f"b{place}:{type(error).__name__}" for place, error in enumerate(errors))


async def test_a_private_request_never_falls_back_to_an_external_backend() -> None:
    world = World(fake("home", BackendUnreachable("gone")), cloud := external("cloud"))
    with pytest.raises(BackendUnreachable):
        await world.ask(PRIVATE)
    assert heard(cloud) == [0]
    assert (world.entry.data_class, world.entry.backend) == ("private", "home")


@pytest.mark.parametrize(
    ("ask", "error"), [(PRIVATE, PolicyRefusal), (Ask("gpt-17"), UnknownModel), (Ask("local"), PolicyRefusal)]
)
async def test_a_refusal_asks_nobody_and_is_booked(ask: Ask, error: type[GatewayError]) -> None:
    world = World(cloud := external("cloud"))
    with pytest.raises(error):
        await world.ask(ask)
    assert heard(cloud) == [0]
    assert (world.entry.status, world.entry.error, world.entry.backend) == (error.status, error.__name__, None)
    assert world.priced == []


class JustGone(Registry):
    """A backend is seen, and gone when it is asked for."""

    def find(self, name: str) -> Any:
        return None if name == "gone" else super().find(name)


async def test_a_backend_that_has_just_gone_is_passed_over() -> None:
    world = World(registry=JustGone([fake("gone"), fake("b")]))
    await world.ask()
    assert (world.entry.attempts, "RTE030" in world.entry.rules) == ("gone:BackendUnreachable,b:ok", True)
    world = World(registry=JustGone([fake("gone")]))
    with pytest.raises(BackendUnreachable, match="has just gone"):
        await world.ask()
    assert world.entry.attempts == "gone:BackendUnreachable"


async def test_only_external_answers_are_priced_by_what_answered() -> None:
    usage = Usage(prompt=5, output=3, cache_hit=1)
    remapped = (Start(model="deepseek-v9"), Finish("stop"), UsageReport(usage), End())
    for backend, priced, cost in (
        (
            external("c", *remapped),
            [("deepseek-v9", usage, datetime.fromtimestamp(1_700_000_000.5, UTC))],
            "0.00000012",
        ),
        (fake("d", *remapped), [], None),
    ):
        world = World(backend)
        await world.ask()
        assert (world.priced, world.entry.cost_usd) == (priced, cost)
        assert world.entry.model == ("deepseek-v9" if priced else "fake")


async def test_usage_that_was_not_reported_stays_unknown() -> None:
    world = World(external("c", Start(), Finish("stop"), End()))
    await world.ask()
    assert (world.entry.prompt_tokens, world.entry.output_tokens) == (None, None)
    assert world.priced[0][1] is None


async def test_a_stream_without_finish_is_a_broken_contract() -> None:
    world = World(fake("a", Start(), Text("all"), End()))
    with pytest.raises(BrokenContract, match="no finish_reason"):
        await world.ask(asked=STREAMED)
    assert world.entry.status == 502


async def test_a_cancelled_stream_is_closed_and_booked_once() -> None:
    world = World(endless := Endless())
    task = asyncio.create_task(world.ask(asked=STREAMED))
    await endless.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endless.closed == 1
    assert (world.entry.status, world.entry.error, world.entry.attempts) == (499, "ClientLeft", "slow:ok")


async def test_a_reader_that_stops_early_closes_the_backend_and_books_once() -> None:
    world = World(endless := Endless())
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("auto"), STREAMED)
        batches = world.gateway.answer(exchange, meant)
        async for _frames in batches:
            break
        await batches.aclose()
        assert (endless.closed, world.booked) == (1, [])
    assert world.entry.finish is None


async def test_an_exchange_whose_generator_is_closed_is_booked_as_left_once() -> None:
    world = World(endless := Endless())

    async def surface() -> AsyncGenerator[list[Frame]]:
        with world.gateway.exchange("test") as exchange:
            meant = await world.gateway.decide(exchange, Ask("auto"), STREAMED)
            async with aclosing(world.gateway.answer(exchange, meant)) as batches:
                async for frames in batches:
                    yield frames

    said = surface()
    await anext(said)
    await said.aclose()
    assert endless.closed == 1
    assert (world.entry.status, world.entry.error) == (499, "ClientLeft")


async def test_an_unexpected_exception_is_booked_by_its_class_only() -> None:
    def crash(_request: Any) -> Steps:
        raise KeyError("the prompt itself")

    world = World(FakeBackend("a", script=crash), other := fake("b"))
    with pytest.raises(KeyError):
        await world.ask()
    assert (world.entry.status, world.entry.error, heard(other)) == (500, "KeyError", [0])
    assert "the prompt itself" not in repr(world.entry)


async def test_quirks_of_the_backend_that_answered_are_booked_once_each() -> None:
    world = World(FailsAtFirstRead("a"), Quirky("b"))
    await world.ask()
    assert world.entry.quirks == "QRK001,QRK002"


async def test_decisions_are_kept_while_the_snapshot_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    decided: list[tuple[Ask, Snapshot]] = []
    really = gateway_module.decide

    def noting(ask: Ask, snapshot: Snapshot, policy: Policy) -> Any:
        decided.append((ask, snapshot))
        return really(ask, snapshot, policy)

    monkeypatch.setattr(gateway_module, "decide", noting)
    world = World(backend := fake("a"))
    for ask in (Ask("auto"), Ask("auto"), Ask("local"), Ask("auto")):
        await world.ask(ask)
    assert [ask.model for ask, _ in decided] == ["auto", "local"]
    old = backend.view
    backend._view = BackendView(old.name, old.boundary, old.accepts, "down", old.models)
    await world.ask()
    await world.ask()
    assert [ask.model for ask, _ in decided] == ["auto", "local", "auto"]
    assert "RTE021" in world.booked[-1].rules


async def test_decisions_are_not_kept_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_MOST_DECISIONS", 3)
    world = World(backend := fake("a"))
    view = backend.view
    backend._view = BackendView(view.name, view.boundary, view.accepts, "up", (), serves_any=True)
    for number in range(20):
        await world.ask(Ask(f"a/any-{number}"))
        with pytest.raises(UnknownModel):
            await world.ask(Ask(f"unknown-{number}"))
    assert len(world.gateway._decisions) <= 4


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({}, "disabled"),
        ({"thinking": {"type": "enabled"}}, "enabled"),
        ({"reasoning_effort": "max"}, None),
    ],
)
async def test_a_retired_name_means_its_thinking_switch_unless_the_client_says_how_to_think(
    fields: dict[str, Any], thinking: str | None
) -> None:
    hosted = FakeBackend("hosted", models=("deepseek-flash",))
    world = World(hosted, policy=Policy(rewrites_legacy=True))
    await world.ask(Ask("deepseek-chat"), request(model="deepseek-chat", **fields))
    sent = hosted.heard[0]
    assert isinstance(sent, ChatRequest)
    assert sent.thinking == thinking
    assert world.entry.model == "deepseek-flash"
    assert "RTE006" in world.entry.rules
    assert world.gateway.legacy_seen["deepseek-chat"] == 1
    assert world.exchange is not None
    told = ", thinking disabled" if not fields else ""
    assert world.exchange.rewritten == f"deepseek-chat -> deepseek-flash{told}", "what was done, not what was meant"


async def test_names_that_the_gateway_knows() -> None:
    gateway = World(FakeBackend("home", models=("m",)), policy=Policy(rewrites_legacy=True)).gateway
    assert [gateway.knows(name) for name in ("m", "home/m", "auto", "claude-x", "deepseek-chat")] == [True] * 3 + [
        False
    ] * 2
