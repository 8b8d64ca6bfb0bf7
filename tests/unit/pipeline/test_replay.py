"""Dropped reasoning comes back for the same client and the same turn, only where its class may go, and within bounds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.remembering import (
    CLOUD,
    HOME,
    INTERNAL,
    PRIVATE,
    PUBLIC,
    UNIQUE,
    USER,
    asked,
    called,
    memory_of,
    recalled,
    result,
)
from tests.support.world import World, external, fake

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.errors import BrokenContract, GatewayError
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, ToolSpec
from tidegate.pipeline import replay
from tidegate.pipeline.replay import NO_MEMORY, ReasoningMemory, may_go
from tidegate.routing.policy import Ask


@pytest.mark.parametrize("content", [None, "", [{"type": "text", "text": ""}]])
@pytest.mark.parametrize("arguments", ['{"city":"Paris"}', '{ "city": "Paris" }'])
def test_a_turn_with_calls_is_found_however_its_empty_content_and_its_arguments_are_written(
    content: Any, arguments: str
) -> None:
    memory = memory_of("It may be cold.", called())
    again = called(arguments=arguments, content=content)
    assert recalled(memory, asked(USER, again, result())) == ["It may be cold."]


@pytest.mark.parametrize("content", ["Yes.", " Yes.\n", [{"type": "text", "text": "Yes."}]])
def test_a_turn_without_calls_is_found_by_its_text(content: Any) -> None:
    memory = memory_of("3 is cold.", {"role": "assistant", "content": "\n\nYes."})
    assert recalled(memory, asked(USER, {"role": "assistant", "content": content}, USER)) == ["3 is cold."]


@pytest.mark.parametrize(
    "other",
    [
        called(arguments='{"city":"Rome"}'),
        called(call_id=UNIQUE.swapcase()),
        called(content="Let me look."),
        {"role": "assistant", "content": "3"},
    ],
)
def test_another_turn_is_not_found(other: dict[str, Any]) -> None:
    answered = [result(other["tool_calls"][0]["id"])] if "tool_calls" in other else []
    assert recalled(memory_of("R", called()), asked(USER, other, *answered)) == [None]


def test_what_the_client_sends_itself_stays_as_it_is() -> None:
    memory = memory_of("remembered", called())
    for own in ("", "my own"):
        later = asked(USER, called(reasoning_content=own), result())
        assert memory.put_back(None, later, HOME) == (later, None)


def test_another_client_and_another_user_never_find_it() -> None:
    later = asked(USER, called(), result())
    assert recalled(memory_of("R", called(), client="ann"), later, "ann") == ["R"]
    for other in ("bob", None, "", "Ann"):
        assert recalled(memory_of("R", called(), client="ann"), later, other) == [None]
    assert recalled(memory_of("R", called(), client=None), later, "ann") == [None]
    of_user = memory_of("R", called(), user_id="u-1")
    assert recalled(of_user, later) == [None]
    assert recalled(of_user, asked(USER, called(), result(), user_id="u-1")) == ["R"]


GREETING = {"role": "assistant", "content": "Hello! How can I help?"}


def test_the_same_words_in_another_conversation_are_another_turn() -> None:
    ann, bob = ({"role": "system", "content": f"You talk to {name}."} for name in ("Ann", "Bob"))
    memory = memory_of("Ann again.", GREETING, ann, USER)
    assert recalled(memory, asked(ann, USER, GREETING, USER)) == ["Ann again."]
    assert recalled(memory, asked(bob, USER, GREETING, USER)) == [None]
    assert recalled(memory, asked(USER, GREETING, USER)) == [None]


def test_a_call_id_made_by_chance_finds_its_turn_in_a_shortened_history() -> None:
    first = {"role": "system", "content": "Now is 12:00:01."}
    memory = memory_of("R", called(), first, USER)
    assert recalled(memory, asked({"role": "system", "content": "Now is 12:00:09."}, USER, called(), result())) == ["R"]
    numbered = memory_of("R", called("get_weather:0"), first, USER)
    assert recalled(numbered, asked(first, USER, called("get_weather:0"), result("get_weather:0"))) == ["R"]
    assert recalled(numbered, asked(USER, called("get_weather:0"), result("get_weather:0"))) == [None]


@pytest.mark.parametrize(
    ("call_id", "unique"),
    [
        (UNIQUE, True),
        ("3kJ9sLq0ZxV7bN2mWc4Rt6Yp1Hd8Gf5A", True),
        ("chatcmpl-tool-4f0c6f1c9b8e4d2ab3c5d6e7f8091a2b", True),
        ("toolu_01A09q90qw90lq917835lq9", True),
        ("c0", False),
        ("call_0", False),
        ("functions.get_weather:0", False),
        ("get_weather_for_city_1", False),
        ("getWeatherForecastOfCity1", False),
        ("1234567890123456", False),
        ("functions.sha256ToBase64Digest:0", False),
        ("call_get_current_weather_01", False),
        (f"{UNIQUE}-{UNIQUE}", False),
        pytest.param("a1" * 1_000_000, False, id="long"),
    ],
)
def test_which_call_ids_are_made_by_chance(call_id: str, unique: bool) -> None:
    """Ids as the hosted API, llama.cpp b11549 and vLLM 0.32.0 make them, and ids that count."""
    assert replay._is_by_chance(ToolCallPart(call_id, "f_", "{}")) is unique


def test_an_id_that_holds_its_functions_name_is_not_made_by_chance() -> None:
    assert not replay._is_by_chance(ToolCallPart("call_getCurrentWeatherOfCity1", "getCurrentWeatherOfCity1", "{}"))


@pytest.mark.parametrize("data_class", DataClass)
@pytest.mark.parametrize("boundary", Boundary)
@pytest.mark.parametrize("accepts", DataClass)
def test_it_goes_only_where_its_class_may_go(data_class: DataClass, boundary: Boundary, accepts: DataClass) -> None:
    view = BackendView("b", boundary, accepts, "up", ("m",))
    allowed = data_class.rank <= accepts.rank and not (data_class is PRIVATE and boundary is Boundary.EXTERNAL)
    assert may_go(data_class, view) is allowed
    memory = memory_of("R", called(), data_class=data_class)
    later = asked(USER, called(), result())
    assert recalled(memory, later, view=view) == (["R"] if allowed else [None])
    assert memory.put_back(None, later, view)[1] is (data_class if allowed else None)


def test_the_highest_class_of_what_was_put_back_is_told() -> None:
    memory = memory_of("R", called(), data_class=PRIVATE)
    final = {"role": "assistant", "content": "Yes."}
    memory.keep(
        None, asked(USER, called(), result()), Message("assistant", (ReasoningPart("S"), TextPart("Yes."))), PUBLIC
    )
    later = asked(USER, called(), result(), final, USER)
    assert recalled(memory, later) == ["R", "S"]
    assert memory.put_back(None, later, HOME)[1] is PRIVATE
    assert recalled(memory, later, view=CLOUD) == [None, "S"]
    assert memory.put_back(None, later, CLOUD)[1] is PUBLIC


@pytest.mark.parametrize("more", [{"tools": []}, {"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}])
def test_nothing_is_put_back_where_the_contract_wants_nothing(more: dict[str, Any]) -> None:
    memory = memory_of("R", called())
    later = asked(USER, called(), result(), **more)
    assert memory.put_back(None, later, HOME) == (later, None)
    assert memory.keeper(later) is None


def test_a_fill_in_the_middle_request_passes() -> None:
    fim = FimRequest(model="m", prompt="def f(")
    memory = memory_of("R", called())
    assert (memory.put_back(None, fim, HOME), memory.keeper(fim)) == ((fim, None), None)


def test_a_limit_of_nothing_switches_it_off() -> None:
    assert NO_MEMORY.keeper(asked(USER)) is None
    NO_MEMORY.keep(None, asked(USER), Message("assistant", (ReasoningPart("R"),)), PUBLIC)
    assert (len(NO_MEMORY), NO_MEMORY.held_bytes) == (0, 0)


# -- bounds ------------------------------------------------------------------------------------------------------------


def numbered(memory: ReasoningMemory, number: int, size: int = 1000) -> None:
    parts = (ReasoningPart("r" * size), TextPart(str(number)))
    memory.keep(None, asked(USER), Message("assistant", parts), PUBLIC)


def found(memory: ReasoningMemory, numbers: range) -> list[int]:
    said = [asked(USER, {"role": "assistant", "content": str(number)}, USER) for number in numbers]
    return [number for number, later in zip(numbers, said, strict=True) if recalled(memory, later) != [None]]


def test_the_bytes_are_bounded_and_the_turns_used_last_stay() -> None:
    memory = ReasoningMemory(4 * (1000 + replay._ENTRY_BYTES), key=b"k")
    for number in range(4):
        numbered(memory, number)
    assert found(memory, range(1)) == [0]
    numbered(memory, 4)
    numbered(memory, 5)
    assert found(memory, range(6)) == [0, 3, 4, 5]
    assert memory.held_bytes == 4 * (1000 + replay._ENTRY_BYTES)
    numbered(memory, 6, size=3000)
    assert (len(memory), memory.held_bytes <= 4 * (1000 + replay._ENTRY_BYTES)) == (2, True)


def test_the_number_of_turns_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_MOST_ENTRIES", 3)
    memory = ReasoningMemory(10**9, key=b"k")
    for number in range(5):
        numbered(memory, number)
    assert found(memory, range(5)) == [2, 3, 4]


def test_a_turn_larger_than_the_memory_is_not_kept() -> None:
    memory = ReasoningMemory(2000, key=b"k")
    numbered(memory, 0, size=2000)
    assert (len(memory), memory.held_bytes) == (0, 0)


def test_a_turn_that_is_answered_again_is_held_once() -> None:
    memory = ReasoningMemory(10_000, key=b"k")
    numbered(memory, 0)
    numbered(memory, 0, size=10)
    assert (len(memory), memory.held_bytes) == (1, 10 + replay._ENTRY_BYTES)
    assert recalled(memory, asked(USER, {"role": "assistant", "content": "0"}, USER)) == ["r" * 10]


def test_nothing_shows_what_is_held() -> None:
    memory = memory_of("the secret thought", called())
    assert "secret" not in repr(memory) + repr(vars(memory))


def test_a_message_that_cannot_be_written_is_not_remembered_and_harms_nothing() -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    for value in (deep, {"a": "\ud800"}):
        strange = ChatRequest(
            model="m",
            messages=(Message("user", (OpaquePart(value),)), Message("assistant", (TextPart("T"),))),
            tools=(ToolSpec("f"),),
        )
        memory = memory_of("R", called())
        assert memory.put_back(None, strange, HOME) == (strange, None)
        memory.keep(None, strange, Message("assistant", (ReasoningPart("S"), TextPart("U"))), PUBLIC)
        assert len(memory) == 1


# -- listening ---------------------------------------------------------------------------------------------------------

CALLS: tuple[Event, ...] = (
    Start("m"),
    Reasoning("It may "),
    Reasoning("be cold."),
    ToolCall(0, UNIQUE, "get_weather", ""),
    ToolCall(0, arguments='{"city":"Paris"}'),
    Finish("tool_calls"),
    End(),
)


async def test_an_answer_that_ended_is_remembered_with_its_class() -> None:
    memory = ReasoningMemory(10_000, key=b"k")
    await World(fake("a", *CALLS), memory=memory).ask(Ask("auto", wished_class=INTERNAL), asked(USER), "ann")
    later = asked(USER, called(), result())
    assert recalled(memory, later, "ann") == ["It may be cold."]
    assert recalled(memory, later, "ann", CLOUD) == [None]


@pytest.mark.parametrize(
    "steps",
    [
        (*CALLS[:4], BrokenContract("cut")),
        CALLS[:5],
        (Start("m"), Text("Yes."), Finish("stop"), End()),
        (Start("m"), Reasoning(""), Text("Yes."), Finish("stop"), End()),
    ],
)
async def test_an_answer_that_broke_off_or_did_not_think_is_not_remembered(steps: tuple[Any, ...]) -> None:
    world = World(fake("a", *steps), memory=(memory := ReasoningMemory(10_000, key=b"k")))
    try:
        await world.ask(asked=asked(USER))
    except GatewayError:
        assert world.entry.status == 502
    assert len(memory) == 0


async def test_an_answer_whose_client_left_is_not_remembered() -> None:
    memory, world = ReasoningMemory(10_000, key=b"k"), World(fake("a", *CALLS))
    world.gateway._memory = memory
    with pytest.raises(asyncio.CancelledError), world.gateway.exchange("test") as exchange:
        meant = await world.gateway.decide(exchange, Ask("auto"), asked(USER))
        batches = world.gateway.answer(exchange, meant)
        async for frames in batches:
            if frames[0].passed.ended:
                await batches.aclose()
                raise asyncio.CancelledError
    assert (world.entry.status, len(memory)) == (499, 0)


async def test_what_is_put_back_is_told_and_raises_the_class_that_is_sent() -> None:
    memory = memory_of("R", called(), data_class=PRIVATE)
    home = fake("home", Start("m"), Reasoning("R makes me think S"), Text("Yes."), Finish("stop"), End())
    world = World(home, memory=memory)
    await world.ask(asked=asked(USER, called(), result()))
    assert world.entry.quirks == "REQ005"
    assert (world.entry.data_class, world.exchange and world.exchange.sent_class) == ("private", PRIVATE)
    # What the model thought with private reasoning before it is as private, whatever the request's class was.
    later = asked(USER, called(), result(), {"role": "assistant", "content": "Yes."}, USER)
    assert recalled(memory, later) == ["R", "R makes me think S"]
    assert recalled(memory, later, view=CLOUD) == [None, None]


async def test_a_fallback_is_told_only_what_it_may_hear() -> None:
    memory = memory_of("R", called(), data_class=PRIVATE)
    home, cloud = fake("home", BrokenContract("no")), external("cloud")
    world = World(home, cloud, memory=memory)
    later = asked(USER, called(), result())
    await world.ask(asked=later)
    assert home.heard[0].messages[1].has_reasoning
    assert [one.messages for one in cloud.heard] == [later.messages]
    assert (world.entry.quirks, world.exchange and world.exchange.sent_class) == ("", PUBLIC)


async def test_what_was_asked_of_the_model_local_is_remembered_as_private() -> None:
    """Its class may be public, but its asker was promised that nothing leaves."""
    memory = ReasoningMemory(10_000, key=b"k")
    world = World(fake("home", Start("m"), Reasoning("R"), Text("Yes."), Finish("stop"), End()), memory=memory)
    await world.ask(Ask("local"), asked=asked(USER))
    later = asked(USER, {"role": "assistant", "content": "Yes."}, USER)
    assert recalled(memory, later, view=CLOUD) == [None]
    assert recalled(memory, later) == ["R"]
