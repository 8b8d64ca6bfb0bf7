"""From what was found to who may be asked: rows, slow looks, private conversations, and requests that leave masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from tests.support.samples import WEATHER, request
from tests.support.screened import screening
from tests.support.world import World, external, fake, heard

from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import (
    BackendUnreachable,
    BoundaryBreach,
    BrokenContract,
    GatewayError,
    PolicyRefusal,
    Unmaskable,
)
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.core.findings import Finding, Sight
from tidegate.core.messages import TextPart
from tidegate.core.requests import ChatRequest, FimRequest, Request
from tidegate.pipeline import screening as screening_module
from tidegate.pipeline.replay import ReasoningMemory
from tidegate.pipeline.screening import check_again
from tidegate.privacy.masking.mask import Masked, Veil
from tidegate.privacy.texts.passages import passages
from tidegate.routing.policy import Ask, Policy, Row

CODES = {"mail": "SEN010", "card": "SEN001", "odd": "SEN096"}
MASKABLE = frozenset({"SEN010", "SEN001"})


class Words:
    """Finds `mail-1`, `card-22` and the like."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        return tuple(
            Finding(CODES[found[1]], "personal", *found.span()) for found in re.finditer(r"(mail|card)-\d+", text)
        )

    def scan_all(self, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        return [self.scan(text) for text in texts]


class Names:
    """The slow tier, which finds `Ada`."""

    def __init__(self) -> None:
        self.looks = 0

    async def look(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]:
        self.looks += 1
        return [tuple(Finding("SEN085", "name", *one.span()) for one in re.finditer("Ada", text)) for text in texts]


def row(name: str, *found: str, **more: Any) -> Row:
    return Row(name=name, found=frozenset(found) if found else None, **more)


MASK = row("mask", "SEN010", "SEN001", action="mask")


def world(*backends: Any, rows: tuple[Row, ...] = (), slow: Any = None, memory: Any = None, **more: Any) -> World:
    policy = Policy(rows=rows, maskable=MASKABLE, **more)
    kept = {} if memory is None else {"memory": memory}
    return World(*backends, policy=policy, looking=screening(policy, Words(), slow=slow), **kept)


def asked(*said: str | dict[str, Any], **more: Any) -> ChatRequest:
    turns = [turn if isinstance(turn, dict) else {"role": "user", "content": turn} for turn in said]
    return request(messages=turns, **more)


def text_of(told: Request) -> str:
    assert isinstance(told, ChatRequest)
    return " ".join(part.text for message in told.messages for part in message.parts if isinstance(part, TextPart))


def echo(told: Request) -> Iterator[Event]:
    """Says what it was told, letter by letter, thinks it, and calls a function with it."""
    said = text_of(told) if isinstance(told, ChatRequest) else told.prompt
    yield Start("m")
    yield from (Reasoning(letter) for letter in said)
    yield from (Text(letter) for letter in said)
    yield ToolCall(0, "c", "f", "")
    yield from (ToolCall(0, arguments=letter) for letter in f'{{"to": "{said}"}}')
    yield Finish("tool_calls")
    yield End()


def echoing(name: str = "cloud") -> Any:
    cloud = external(name)
    cloud._script = echo
    return cloud


def said_in(events: list[Event], kind: type) -> str:
    return "".join(getattr(one, "arguments" if kind is ToolCall else "text") for one in events if isinstance(one, kind))


async def test_what_is_found_stays_home_unless_a_row_speaks_of_it() -> None:
    cloud, home = external("cloud"), fake("home")
    one = world(cloud, home)
    await one.ask(asked=asked("write to mail-1"))
    assert heard(cloud, home) == [0, 1]
    assert one.exchange is not None
    assert (one.exchange.found, one.exchange.rows, one.exchange.data_class) == ({"SEN010": 1}, (), DataClass.PRIVATE)
    assert "CLS009" in one.exchange.rules
    allowed = world(cloud, home, rows=(row("mail", "SEN010", action="allow"),))
    await allowed.ask(asked=asked("write to mail-1"))
    assert heard(cloud, home) == [1, 1]
    assert allowed.exchange is not None
    assert (allowed.exchange.rows, allowed.exchange.action) == (("mail",), "allow")


async def test_a_blocked_request_reaches_nobody() -> None:
    cloud, home = external("cloud"), fake("home")
    one = world(cloud, home, rows=(row("cards", "SEN001", action="block"),))
    with pytest.raises(PolicyRefusal, match="RTE023"):
        await one.ask(asked=asked("card-1"))
    assert heard(cloud, home) == [0, 0]


async def test_a_masked_request_leaves_without_the_values_and_comes_back_with_them() -> None:
    cloud = echoing()
    one = world(cloud, rows=(MASK,))
    said = await one.ask(asked=asked("from mail-1 to mail-2 by card-3 and mail-1"))
    told = text_of(cloud.heard[0])
    assert not re.search(r"(mail|card)-\d", told)
    words = told.split()
    assert words[1] == words[-1] != words[3], "one value, one pseudonym"
    for kind in (Text, Reasoning):
        assert said_in(said, kind) == "from mail-1 to mail-2 by card-3 and mail-1"
    assert said_in(said, ToolCall) == '{"to": "from mail-1 to mail-2 by card-3 and mail-1"}'
    assert one.exchange is not None
    assert [(send.backend, send.data_class, send.masked) for send in one.exchange.sends] == [
        ("cloud", DataClass.PUBLIC, True)
    ]
    assert one.exchange.data_class is DataClass.PRIVATE, "the request as it is"
    assert {"CLS010", "RTE022"} <= set(one.exchange.rules)


async def test_a_backend_at_home_gets_the_request_as_it_is() -> None:
    home = fake("home")
    one = world(external("cloud", BackendUnreachable("away")), home, rows=(MASK,))
    await one.ask(asked=asked("mail-1"))
    assert text_of(home.heard[0]) == "mail-1"
    assert one.exchange is not None
    assert [send.masked for send in one.exchange.sends] == [True, False]


def quoting(name: str, *, cuts: bool = False) -> FakeBackend:
    """Says the user's first value; behind a prefix it says the second."""

    def script(told: Request) -> list[Event | GatewayError]:
        assert isinstance(told, ChatRequest)
        last = told.messages[-1]
        words = text_of(told).split()
        text = f" {words[3]}" if last.prefix else f"{words[1]} to"
        return [Start("m"), Text(text), *([BrokenContract("cut")] if cuts else [Finish("stop"), End()])]

    return FakeBackend(name, script=script, boundary=Boundary.EXTERNAL, accepts=DataClass.INTERNAL)


async def test_an_answer_to_a_masked_request_is_continued_masked_and_read_with_its_values() -> None:
    first, second = quoting("first", cuts=True), quoting("second")
    one = world(first, second, rows=(MASK,), on_break="continue")
    said = await one.ask(asked=asked("from mail-1 to card-3", stream=True))
    assert said_in(said, Text) == "mail-1 to card-3"
    told = [text_of(backend.heard[0]) for backend in (first, second)]
    assert not any(re.search(r"(mail|card)-\d", text) for text in told)
    assert told[1].startswith(told[0]), "one conversation, one pseudonym for one value"
    assert told[1].split()[4:] == [told[0].split()[1], "to"], "the answer so far, masked"
    assert one.exchange is not None
    assert [send.masked for send in one.exchange.sends] == [True, True]


async def test_a_continuation_is_classed_by_what_the_answer_says_so_far() -> None:
    """The request holds nothing; the answer at home quotes a card, and no row lets that leave."""
    for quoted, text in (("card-9", False), ("nothing", True)):
        home = fake("home", Start("m"), Text(f"I know {quoted} "), BrokenContract("cut"))
        cloud = external("cloud", Start("m"), Text("and more"), Finish("stop"), End())
        one = world(home, cloud, rows=(row("home", "SEN001", action="local"),), on_break="continue")
        if text:
            await one.ask(asked=asked("Hi", stream=True))
        else:
            with pytest.raises(BrokenContract, match="RES015"):
                await one.ask(asked=asked("Hi", stream=True))
        assert heard(cloud) == [int(text)]
        assert one.exchange is not None
        assert (one.exchange.found, one.exchange.action) == ({}, None), "the ledger speaks of what the client sent"


async def test_what_was_said_to_the_request_as_it_is_does_not_leave_masked() -> None:
    """The break may have cut a value in two, and half a value is not found."""
    home = fake("home", Start("m"), Text("I know mai"), BrokenContract("cut"))
    cloud = external("cloud", Start("m"), Text("and more"), Finish("stop"), End())
    one = world(home, cloud, rows=(MASK,), on_break="continue")
    with pytest.raises(BrokenContract, match="RES01"):
        await one.ask(asked=asked("Hi mail-1", stream=True))
    assert heard(cloud) == [0]


async def test_a_continuation_that_cannot_be_masked_does_not_leave() -> None:
    right, first, second = screening_module.mask, quoting("first", cuts=True), quoting("second")
    one = world(first, second, rows=(MASK,), on_break="continue")

    def wrong(told: Request, *more: Any) -> Masked:
        if isinstance(told, ChatRequest) and told.messages[-1].prefix:
            raise Unmaskable("no")
        return right(told, *more)

    with patch("tidegate.pipeline.screening.mask", wrong), pytest.raises(BrokenContract, match="RES014"):
        await one.ask(asked=asked("from mail-1 to card-3", stream=True))
    assert heard(first, second) == [1, 0]


async def test_pseudonyms_are_the_same_in_every_turn_and_others_in_another_conversation() -> None:
    cloud = echoing()
    one = world(cloud, rows=(MASK,))
    answer = {"role": "assistant", "content": "I see mail-1"}
    for turns in (["mail-1"], ["mail-1", answer, "again"], ["another mail-1"]):
        await one.ask(asked=asked(*turns))
    await one.ask(asked=asked("mail-1"), client="someone else")
    first, second, other, elses = (re.findall(r"\w+_\w{10}", text_of(told)) for told in cloud.heard)
    assert first * 2 == second
    assert len({*first, *other, *elses}) == 3


async def test_what_cannot_be_masked_is_asked_at_home_or_refused() -> None:
    cloud, home = external("cloud"), fake("home")
    tool = {**WEATHER, "function": {**WEATHER["function"], "name": "card-1"}}
    one = world(cloud, home, rows=(MASK,))
    await one.ask(asked=asked("Hi", tools=[tool]))
    assert heard(cloud, home) == [0, 1]
    with pytest.raises(Unmaskable):
        await world(cloud, rows=(MASK,)).ask(asked=asked("Hi", tools=[tool]))
    assert heard(cloud) == [0]


async def test_a_value_that_the_masking_left_is_stopped_before_it_is_sent() -> None:
    cloud = external("cloud")
    one = world(cloud, fake("home"), rows=(MASK,))
    with (
        patch("tidegate.privacy.masking.mask._check", lambda *_: None),
        patch("tidegate.privacy.masking.mask.rewritten", lambda asked, _change: asked),
        pytest.raises(BoundaryBreach),
    ):
        await one.ask(asked=asked("mail-1"))
    assert heard(cloud) == [0]


async def test_the_slow_tier_looks_only_where_a_request_could_leave() -> None:
    names = Names()
    cloud, home = external("cloud"), fake("home")
    await world(cloud, home, slow=names).ask(asked=asked("mail-1"))
    assert names.looks == 0, "private already"
    await world(fake("other"), slow=names).ask(asked=asked("Ada"))
    assert names.looks == 0, "nobody outside could be asked"
    one = world(cloud, home, slow=names)
    await one.ask(asked=asked("Ada"))
    assert (names.looks, heard(cloud, home)) == (1, [0, 2])
    assert one.exchange is not None
    assert one.exchange.found == {"SEN085": 1}


async def test_a_conversation_that_was_private_stays_private() -> None:
    cloud, home = external("cloud"), fake("home", Start("m"), Text("The secret is out."), Finish("stop"), End())
    one = world(cloud, home)
    await one.ask(Ask("auto", wished_class=DataClass.PRIVATE), asked("Hi"))
    assert one.exchange is not None
    assert len(one.exchange.conversation) == 2
    await one.ask(asked=asked("Hi", {"role": "assistant", "content": "The secret is out."}, "Go on"))
    assert (heard(cloud, home), one.exchange.rules[:2]) == ([0, 2], ("CLS001", "CLS006"))
    await one.ask(asked=asked("Hi"))
    assert heard(cloud, home) == [1, 2], "another conversation"


async def test_what_was_given_out_of_an_answer_that_broke_off_is_known_when_it_comes_back() -> None:
    long = "The notice for the contract that ends in March begins with the names of both, and then "
    cloud, home = external("cloud"), fake("home", Start("m"), Text(long), BrokenContract("cut"))
    one = world(cloud, home)
    with pytest.raises(BrokenContract):
        await one.ask(Ask("home", wished_class=DataClass.PRIVATE), asked("Hi", stream=True))
    with pytest.raises(PolicyRefusal):
        await one.ask(Ask("cloud"), asked("Hi", {"role": "assistant", "content": long[:70]}, "Go on"))
    assert heard(cloud) == [0]


async def test_what_is_private_by_default_needs_no_memory() -> None:
    one = world(fake("home"), default_class=DataClass.PRIVATE)
    await one.ask(asked=asked("a question that is long enough to be remembered, if anything were to be remembered"))
    assert one.exchange is not None
    assert one.exchange.conversation == ()


THOUGHT = (
    Start("m"),
    Reasoning("about mail-1"),
    ToolCall(0, "call_00_" + "a" * 20, "f", "{}"),
    Finish("tool_calls"),
    End(),
)
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_00_" + "a" * 20, "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "call_00_" + "a" * 20, "content": "done"}


async def test_reasoning_about_a_masked_request_is_put_back_masked_and_never_as_it_is() -> None:
    cloud = external("cloud", *THOUGHT)
    one = world(cloud, rows=(MASK,), memory=ReasoningMemory(10_000, key=b"k"))
    await one.ask(asked=asked("mail-1", tools=[WEATHER]))
    await one.ask(asked=asked("mail-1", CALLED, RESULT, tools=[WEATHER]))
    turn = next(message for message in cloud.heard[1].messages if message.role == "assistant")  # type: ignore[union-attr]
    assert turn.has_reasoning
    assert "mail-1" not in repr(cloud.heard[1])
    await one.ask(asked=asked("no address here", CALLED, RESULT, tools=[WEATHER]))
    turn = next(message for message in cloud.heard[2].messages if message.role == "assistant")  # type: ignore[union-attr]
    assert not turn.has_reasoning


async def test_reasoning_that_holds_what_nobody_ruled_on_stays_away() -> None:
    cloud = external("cloud", *THOUGHT)
    one = world(cloud, rows=(MASK,), memory=ReasoningMemory(10_000, key=b"k"))
    await one.ask(asked=asked("mail-1", tools=[WEATHER]))
    await one.ask(asked=asked("card-2", CALLED, RESULT, tools=[WEATHER]))
    assert not any(message.has_reasoning for message in cloud.heard[1].messages)  # type: ignore[union-attr]


async def test_a_completion_is_masked_too() -> None:
    cloud = echoing()
    one = world(cloud, rows=(MASK,))
    said = await one.ask(asked=FimRequest(model="auto", prompt="# mail-1"))  # type: ignore[arg-type]
    assert "mail-1" not in repr(cloud.heard[0])
    assert said_in(said, Text) == "# mail-1"


PSEUDONYM = "CARD_abcdefghij"


def masked(text: str) -> Masked:
    return Masked(FimRequest(model="m", prompt=text), Veil({PSEUDONYM: "card-1"}, ("card-1",)))


def found_again(text: str, start: int, end: int) -> Sight:
    (place, *_), *_ = [passage for passage in passages(masked(text).request) if passage.text == text]
    return Sight(((place, (Finding("SEN001", "personal", start, end),)),))


def test_a_pseudonym_that_reads_like_what_it_stands_for_is_no_value() -> None:
    text = f"pay with {PSEUDONYM}."
    check_again(masked(text), found_again(text, 9, 9 + len(PSEUDONYM) + 1), MASKABLE)
    check_again(masked(text), found_again(text, 0, 3), frozenset({"SEN010"}))


def test_what_was_left_is_a_breach_and_what_is_half_left_stays_home() -> None:
    text = f"{PSEUDONYM}99 and card-2"
    with pytest.raises(BoundaryBreach, match="SEN001"):
        check_again(masked(text), found_again(text, len(text) - 6, len(text)), MASKABLE)
    with pytest.raises(Unmaskable, match=r"prompt .*SEN001"):
        check_again(masked(text), found_again(text, 0, len(PSEUDONYM) + 2), MASKABLE)
    with pytest.raises(Unmaskable, match="SEN097"):
        check_again(masked(text), Sight(failed="SEN097"), MASKABLE)
