"""Several answers in one: headings, order, sums, notes on who failed or was left out, and a row for each backend asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.hands import breath
from tests.support.samples import WEATHER, request
from tests.support.world import World, external, fake

from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import DataClass
from tidegate.core.errors import (
    BackendUnreachable,
    BoundaryBreach,
    BrokenContract,
    ClientMistake,
    GatewayError,
    NotSupported,
    PolicyRefusal,
)
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.fold import Answer, fold
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.usage import Usage
from tidegate.pipeline.each import check, total
from tidegate.routing.policy import Alias, Ask, Policy

BOTH = Policy(aliases={"both": Alias("both", ("hosted", "home"), each=True)})
ASK = Ask("both")


def says(text: str, *, thought: str = "", finish: str = "stop", usage: Usage | None = None) -> list[Event]:
    thoughts = [Reasoning(thought)] if thought else []
    counted = [UsageReport(usage)] if usage else []
    return [Start(model="m"), *thoughts, Text(text), Finish(finish), *counted, End()]


async def told(hosted: FakeBackend, home: FakeBackend, ask: Ask = ASK) -> tuple[Answer, World]:
    world = World(hosted, home, policy=BOTH)
    return fold(await world.ask(ask)), world


def part(name: str, text: str) -> str:
    return f"### {name}/fake\n\n{text}"


async def test_both_answer_one_below_the_other_each_with_its_row() -> None:
    usages = Usage(prompt=2, output=3, cache_hit=1), Usage(prompt=5, output=7, cache_hit=0, reasoning=4)
    answer, world = await told(
        external("hosted", *says("Hello.", usage=usages[0])), fake("home", *says("Hi.", thought="Hm.", usage=usages[1]))
    )
    assert answer.text == part("hosted", "Hello.") + "\n\n" + part("home", "Hi.")
    assert answer.reasoning == part("home", "Hm.")
    assert answer.usage == Usage(prompt=7, output=10, cache_hit=1, reasoning=4)
    assert answer.finish == "stop"
    rows = {entry.backend: entry for entry in world.booked}
    assert set(rows) == {"hosted", "home", None}
    assert {name: (row.status, row.surface) for name, row in rows.items()} == {
        "hosted": (200, "each"),
        "home": (200, "each"),
        None: (200, "test"),
    }
    assert [rows[name].output_tokens for name in ("hosted", "home", None)] == [3, 7, None]
    assert [rows[name].cost_usd is not None for name in ("hosted", "home", None)] == [True, False, False]
    assert (rows[None].attempts, rows[None].finish) == ("hosted:ok,home:ok", "stop")
    assert all("RTE055" in row.rules.split(",") for row in rows.values())


class Gated(FakeBackend):
    """Says its first word, and the rest when it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.go = asyncio.Event()

    async def open(self, request: Any, model: str, data_class: DataClass, holds: Any = None) -> Any:
        answering = await super().open(request, model, data_class)
        read, gate = answering.read, self.go

        class Waiting:
            quirks: tuple[str, ...] = ()
            said = 0

            async def read(self) -> Any:
                self.said += 1
                if self.said == 3:
                    await gate.wait()
                return await read()

            def close(self) -> None:
                answering.close()

        return Waiting()


async def test_the_first_comes_as_it_is_said_while_the_second_is_collected() -> None:
    hosted, home = Gated("hosted"), fake("home")
    world = World(hosted, home, policy=BOTH)
    with world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, ASK, request(stream=True))
        batches = world.gateway.answer(exchange, meant)
        first = await anext(batches)
        assert [type(event) for frame in first for event in frame.events] == [Start, Reasoning, Reasoning]
        await breath()
        assert len(home.heard) == 1, "both are asked at the same time"
        assert exchange.first_frame_s is not None
        hosted.go.set()
        rest = [frame async for frames in batches for frame in frames]
    assert isinstance(rest[-1].events[-1], End)


async def test_leaving_stops_all_of_them() -> None:
    hosted, home = Gated("hosted"), Gated("home")
    world = World(hosted, home, policy=BOTH)
    with pytest.raises(asyncio.CancelledError), world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, ASK, request(stream=True))
        batches = world.gateway.answer(exchange, meant)
        await anext(batches)
        await breath()
        await batches.aclose()
        raise asyncio.CancelledError
    assert sorted((entry.surface, entry.status) for entry in world.booked) == [
        ("each", 499),
        ("each", 499),
        ("test", 499),
    ]


@pytest.mark.parametrize("failing", ["hosted", "home"])
async def test_one_that_fails_is_a_line_in_the_answer(failing: str) -> None:
    hosted, home = external("hosted", *says("Hello.")), fake("home", *says("Hi."))
    {"hosted": hosted, "home": home}[failing]._script = lambda _request: [BackendUnreachable("")]
    answer, world = await told(hosted, home)
    texts = {"hosted": "Hello.", "home": "Hi."} | {failing: "(no answer: BackendUnreachable)"}
    assert answer.text == part("hosted", texts["hosted"]) + "\n\n" + part("home", texts["home"])
    assert sorted(entry.status for entry in world.booked) == [200, 200, 503]


async def test_one_that_breaks_off_is_marked() -> None:
    broken = external("hosted", Start(), Text("Hel"), BrokenContract(""))
    world = World(broken, fake("home", *says("Hi.")), policy=BOTH)
    answer = fold(await world.ask(ASK, request(stream=True)))
    assert answer.text.startswith(part("hosted", "Hel\n\n(broke off: BrokenContract)"))
    assert world.booked[-1].attempts == "hosted:BrokenContract,home:ok"


async def test_when_nobody_answers_the_client_gets_the_first_error() -> None:
    world = World(external("hosted", BackendUnreachable("")), fake("home", BrokenContract("")), policy=BOTH)
    said: list[Event] = []
    with pytest.raises(BackendUnreachable):
        said += await world.ask(ASK)
    assert said == []
    assert sorted(entry.status for entry in world.booked) == [502, 503, 503]


@pytest.mark.parametrize("place", ["hosted", "home"])
async def test_a_wall_that_had_to_hold_ends_the_answer(place: str) -> None:
    backends = {"hosted": external("hosted", *says("Hello.")), "home": fake("home", *says("Hi."))}
    backends[place]._script = lambda _request: [BoundaryBreach("")]
    world = World(*backends.values(), policy=BOTH)
    with pytest.raises(BoundaryBreach):
        await world.ask(ASK)


async def test_who_may_not_have_it_is_left_out_and_named() -> None:
    hosted = external("hosted", *says("Hello."))
    answer, world = await told(hosted, fake("home", *says("Hi.")), Ask("both", wished_class=DataClass.PRIVATE))
    assert answer.text == part("home", "Hi.") + "\n\n(left out by rule: hosted RTE010)"
    assert hosted.heard == []
    assert {entry.data_class for entry in world.booked} == {"private"}


async def test_the_answer_as_the_client_got_it_is_known_when_it_comes_back_alone() -> None:
    world = World(external("hosted"), fake("home", *says("The tide is high today.")), policy=BOTH)
    joined = fold(await world.ask(Ask("both", wished_class=DataClass.PRIVATE))).text
    back = Message("assistant", (TextPart(joined),))
    later = ChatRequest(model="both", messages=(back, Message("user", (TextPart("And now?"),))))
    await world.ask(ASK, later)
    assert world.exchange.data_class is DataClass.PRIVATE
    await world.ask(ASK, request())
    assert world.exchange.data_class is DataClass.PUBLIC


async def test_when_nobody_may_have_it_it_is_refused_as_ever() -> None:
    policy = Policy(aliases={"both": Alias("both", ("hosted",), each=True)})
    world = World(external("hosted"), policy=policy)
    with pytest.raises(PolicyRefusal):
        await world.ask(Ask("both", wished_class=DataClass.PRIVATE))
    assert world.entry.status == 403


async def test_no_text_is_said_so_and_a_cut_part_cuts_the_whole() -> None:
    empty: list[Event] = [Start(), Reasoning("Hm."), Finish("length"), End()]
    answer, _ = await told(external("hosted", *empty), fake("home", *says("Hi.")))
    assert answer.text.startswith(part("hosted", "(no text)"))
    assert answer.finish == "length"
    called: list[Event] = [Start(), ToolCall(0, "c", "f", "{}"), Finish("tool_calls"), End()]
    answer, _ = await told(external("hosted", *called), fake("home", *says("Hi.")))
    assert "(a tool call, although no tools were sent)" in answer.text
    assert (answer.finish, answer.tool_calls) == ("stop", ())


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tools": [WEATHER]}, "`tools`"),
        ({"response_format": {"type": "json_object"}}, "`response_format`"),
        ({"messages": [{"role": "assistant", "content": "a", "prefix": True}]}, "`prefix`"),
        ({"n": 2}, "`n`"),
        ({"logprobs": True}, "`logprobs`"),
    ],
)
async def test_what_one_answer_cannot_say_for_several_is_refused_by_name(fields: Any, named: str) -> None:
    home = fake("home")
    world = World(external("hosted"), home, policy=BOTH)
    with pytest.raises(NotSupported, match=named):
        await world.ask(ASK, request(**fields))
    assert (world.entry.status, home.heard) == (400, [])


def test_completions_are_refused_and_plain_chats_are_not() -> None:
    with pytest.raises(NotSupported, match="FIM"):
        check(FimRequest(model="m", prompt="a"))
    check(request(n=1, response_format={"type": "text"}, tools=[], logprobs=False))


def test_what_one_did_not_report_is_not_known_of_the_whole() -> None:
    assert total([Usage(prompt=1, output=2), None]) == Usage()
    assert total([Usage(prompt=1, output=2), Usage(prompt=1)]) == Usage(prompt=2)
    assert total([Usage(reasoning=2), Usage()]) == Usage(reasoning=2)


async def test_a_clients_mistake_at_one_place_is_a_line_too() -> None:
    mistake: GatewayError = ClientMistake("too long for its window")
    answer, _ = await told(external("hosted", *says("Hello.")), fake("home", mistake))
    assert answer.text.endswith(part("home", "(no answer: ClientMistake)"))
