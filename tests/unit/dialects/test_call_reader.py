"""The text of one call becomes the pieces of a tool call, however it is cut; anything else is an error."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import CALL, WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects import DIALECTS
from tidegate.dialects.call_reader import CallReader, reading_call

ARGUMENTS = '{"city": "a \\"}{\\\\", "more": [{"x": {}}, "]"]}'
CALLED = f'{{"name": "get_weather", "arguments": {ARGUMENTS}}}'
BEGUN = Start("m", 1, None, "chatcmpl-1")
USED = UsageReport(Usage(prompt=1, output=2))
OFF = {"type": "disabled"}


def read(*pieces: str, finish: str = "stop", start: Start = BEGUN, before: tuple[str, ...] = ()) -> list[Event]:
    reader = CallReader(frozenset({"get_weather", "f"}), before)
    said = [start, *map(Text, pieces), Finish(finish), USED, End()]
    return [each for event in said for each in reader.take(event)]


def call_of(events: list[Event]) -> tuple[str | None, str | None, str]:
    calls = [event for event in events if isinstance(event, ToolCall)]
    assert all(call.index == 0 for call in calls)
    assert all(call.call_id is None and call.name is None for call in calls[1:])
    return calls[0].call_id, calls[0].name, "".join(call.arguments for call in calls)


def test_a_whole_text_is_a_call_and_ends_as_one():
    events = read(CALLED)
    assert call_of(events)[1:] == ("get_weather", ARGUMENTS)
    assert (events[0], events[-3:]) == (BEGUN, [Finish("tool_calls"), USED, End()])
    assert not any(isinstance(event, Text) for event in events)


@pytest.mark.parametrize("place", range(len(CALLED) + 1))
def test_one_cut_anywhere_changes_nothing(place):
    assert call_of(read(CALLED[:place], CALLED[place:])) == call_of(read(CALLED))


def test_arguments_pass_as_they_arrive():
    reader = CallReader(frozenset({"f"}), ())
    assert [*reader.take(BEGUN)] == [BEGUN]
    assert [*reader.take(Text('{"name": "f", "argu'))] == []
    first, second = reader.take(Text('ments": {"a": '))
    assert isinstance(first, ToolCall) and (first.name, first.arguments) == ("f", "")
    assert second == ToolCall(0, arguments='{"a": ')
    assert [*reader.take(Text("1"))] == [ToolCall(0, arguments="1")]
    assert [*reader.take(Text("} "))] == [ToolCall(0, arguments="}")]
    assert [*reader.take(Text("}\n"))] == []
    assert reader.quirks == ("REQ013",)


@pytest.mark.parametrize(
    "text",
    [
        '\n{\t"name"\r\n:"f"  ,\n "arguments" : {} \n} \n',
        '{"name":"f","arguments":{}}',
    ],
)
def test_white_space_is_free(text):
    assert call_of(read(text))[1:] == ("f", "{}")
    assert call_of(read(*text))[1:] == ("f", "{}")


def test_thoughts_pass():
    reader = CallReader(frozenset({"f"}), ())
    assert [*reader.take(Reasoning("{"))] == [Reasoning("{")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret prose",
        "[]",
        "{}",
        '{"arguments": {}, "name": "f"}',
        '{"name": "other", "arguments": {}}',
        '{"name": "f", "arguments": []}',
        '{"name": "f", "arguments": "{}"}',
        '{"name": "f", "arguments": {}, "more": 1}',
        '{"name": "f", "arguments": {}}}',
        '{"name": "f", "arguments": {}} and prose',
        '{"name": "f", "arguments": {}}{"name": "f", "arguments": {}}',
        '{"name": "f", "arguments": {',
        '{"name": "f", "arguments": {}',
        '{"name": "f"',
        "```json\n" + CALLED + "\n```",
        " " * 5000,
        "{" + " " * 5000 + CALLED[1:],
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_anything_else_is_an_error_that_holds_nothing_of_it(text, cut):
    with pytest.raises(BrokenContract, match="not the tool call that it was asked for, see REQ013") as broken:
        read(*(text if cut else [text]))
    assert "secret" not in broken.value.message


@pytest.mark.parametrize("place", range(len(CALLED) + 1))
def test_a_cut_answer_is_a_part_of_a_call_and_says_so(place):
    events = read(CALLED[:place], finish="length")
    assert events[-3:] == [Finish("length"), USED, End()]
    begun = [event for event in events if isinstance(event, ToolCall)]
    if begun:
        name, arguments = call_of(events)[1:]
        assert name == "get_weather" and ARGUMENTS.startswith(arguments)
    assert bool(begun) is (place > CALLED.index(ARGUMENTS))


def test_other_ends_pass_with_what_there_is():
    assert read('{"name": "f"', finish="insufficient_system_resource")[-3] == Finish("insufficient_system_resource")


def test_an_id_is_of_the_answer_and_the_same_bytes_have_the_same():
    made = call_of(read(CALLED))[0]
    assert made is not None and made.startswith("call_00_") and len(made) == 32
    assert call_of(read(*CALLED))[0] == made
    others = [
        read(CALLED, start=Start("m", 1, None, "chatcmpl-2")),
        read(CALLED, start=Start("m", 2, None, "chatcmpl-1")),
        read(CALLED, before=("call_1",)),
    ]
    assert len({made, *(call_of(other)[0] for other in others)}) == 4


def test_of_a_server_that_tells_nothing_calls_are_counted():
    assert call_of(read(CALLED, start=Start("m"), before=("a", "b")))[0] == "call_2"


def test_a_call_that_the_server_read_itself_passes():
    reader = CallReader(frozenset({"f"}), ())
    said = [Start("m"), ToolCall(0, "c", "f", "{}"), Text("so"), Finish("tool_calls"), End()]
    assert [each for event in said for each in reader.take(event)] == said
    assert reader.quirks == ()


def test_a_call_beside_a_begun_one_is_an_error():
    reader = CallReader(frozenset({"f"}), ())
    assert [*reader.take(Text('{"name"'))] == []
    with pytest.raises(BrokenContract, match="REQ013"):
        reader.take(ToolCall(0, "c", "f", "{}"))


BY_SCHEMA = {"embedded", "generic", "llamacpp", "lmstudio", "ollama"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_it_reads_where_the_runtime_does_not_enforce_a_choice(choice):
    asked: dict[str, Any] = {"tools": [WEATHER], "tool_choice": choice, "thinking": OFF}
    reading = set()
    for dialect in DIALECTS:
        if dialect.name == "transformers_serve":
            continue
        stages = dialect.encode(request(**asked), "m").stages
        if any(isinstance(stage, CallReader) for stage in stages):
            reading.add(dialect.name)
    assert reading == BY_SCHEMA


@pytest.mark.parametrize("asked", [{}, {"tools": [WEATHER]}, {"tools": [WEATHER], "tool_choice": "auto"}])
def test_without_force_nothing_is_read(asked):
    assert reading_call(request(**asked)) is None


def test_ids_of_earlier_calls_are_remembered():
    turns = [
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c0", "content": ""},
    ]
    reader = reading_call(request(messages=turns, tools=[WEATHER], tool_choice="required", thinking=OFF))
    assert reader is not None
    said = [each for event in (Start("m"), Text(CALLED)) for each in reader.take(event)]
    assert call_of(said)[0] == "call_1"
