"""Calls as JSON by schema: the compiled schema takes exactly the valid calls, and the text of one becomes it, however cut."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, Strategy, json_objects, json_values, texts, usages

from tidegate.core.events import End, Event, Finish, Start, Text, UsageReport
from tidegate.core.fold import Folding, fold
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest, ToolSpec
from tidegate.core.usage import Usage
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema, compiled
from tidegate.dialects.checked_calls import checked_calls
from tidegate.dialects.readers import staged

SCALARS: list[dict[str, Any]] = [
    {"type": "string", "maxLength": 8},
    {"type": "integer"},
    {"type": "boolean"},
    {"enum": ["a", "é", 1, None]},
    {"const": {"$ref": "#"}},
    {"$ref": "#/$defs/leaf"},
    {"$ref": "#/properties/self"},
    {"type": "array", "items": {"$ref": "#/$defs/leaf"}, "maxItems": 3},
    {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
]
LEAF: dict[str, Any] = {"type": "number"}


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    """Schemas of objects, often with references into themselves; such a schema means the same wherever it stands."""
    names = draw(st.lists(texts(1), max_size=3, unique=True))
    properties = {name: draw(st.sampled_from(SCALARS)) for name in names} | {"self": {"type": "string"}}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if draw(st.booleans())],
        "additionalProperties": draw(st.booleans()),
        "$defs": {"leaf": LEAF},
    }


@st.composite
def tools(draw: st.DrawFn) -> tuple[ToolSpec, ...]:
    names = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
    spec = st.builds(ToolSpec, name=names, description=st.none() | texts(), parameters=st.none() | parameters())
    return tuple(draw(st.lists(spec, min_size=1, max_size=3, unique_by=lambda one: one.name)))


def fitting(schema: dict[str, Any] | None) -> Strategy[dict[str, Any]]:
    """Arguments that may fit: of each member a value that some member takes."""
    if schema is None:
        return st.just({})
    value = st.sampled_from(["a", "é", 1, 2.5, None, True, {"$ref": "#"}, [], [1, 2], {}])
    return st.dictionaries(st.sampled_from(sorted(schema["properties"])), value, max_size=4)


def is_valid(schema: dict[str, Any] | None, value: Any) -> bool:
    if schema is None:
        return value == {}
    return jsonschema_rs.validator_for(schema, offline=True).is_valid(value)


@given(data=st.data(), offered=tools())
@MODERATE
def test_the_compiled_schema_takes_exactly_the_valid_calls(data: st.DataObject, offered: tuple[ToolSpec, ...]) -> None:
    tool = data.draw(st.sampled_from(offered))
    arguments = data.draw(fitting(tool.parameters) | json_values())
    validator = jsonschema_rs.validator_for(compiled(offered), offline=True)
    call = {"name": tool.name, "arguments": arguments}
    assert validator.is_valid(call) is is_valid(tool.parameters, arguments)
    assert not validator.is_valid({"name": tool.name + "x" * 20, "arguments": arguments})
    assert not validator.is_valid({"name": tool.name})
    assert not validator.is_valid({"name": tool.name, "arguments": arguments, "more": 1})


def asked(offered: tuple[ToolSpec, ...], **more: Any) -> ChatRequest:
    user = Message("user", (TextPart("Hi"),))
    return ChatRequest(model="m", messages=(user,), tools=offered, tool_choice="required", thinking="disabled", **more)


def answered(request: ChatRequest, events: list[Event]) -> tuple[Event, ...]:
    stages = [stage for make in (reading_call, checked_calls) if (stage := make(request)) is not None]
    assert len(stages) == 2
    return staged(tuple(events), stages)


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[Event]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return [Text(text[begin:end]) for begin, end in zip([0, *places], [*places, len(text)], strict=True)]


OPEN: dict[str, Any] = {"type": "object"}


@given(
    data=st.data(), name=st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True), given_=json_objects(), usage=usages()
)
@MODERATE
def test_the_text_of_a_call_becomes_that_call_however_cut(
    data: st.DataObject, name: str, given_: dict[str, Any], usage: Usage
) -> None:
    request = asked((ToolSpec(name, None, OPEN), ToolSpec(name + "_", None, OPEN)))
    written = orjson.dumps(given_, option=data.draw(st.sampled_from([0, orjson.OPT_INDENT_2]))).decode()
    text = f'{{"name": "{name}",\n"arguments": {written}}}'
    start = Start("m", 1, None, "id")
    said = [start, *data.draw(pieces(text)), Finish("stop"), UsageReport(usage), End()]
    folding = Folding()
    for event in answered(request, said):
        folding.add(event)
    answer = folding.answer()
    assert (answer.finish, answer.text, answer.usage) == ("tool_calls", "", usage)
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [(name, written)]
    whole = fold(answered(request, [start, Text(text), Finish("stop"), UsageReport(usage), End()]))
    assert answer == whole


@given(data=st.data(), given_=json_objects())
@MODERATE
def test_a_cut_call_is_a_part_of_it_with_length_and_never_another(data: st.DataObject, given_: dict[str, Any]) -> None:
    request = asked((ToolSpec("f", None, OPEN),))
    written = orjson.dumps(given_).decode()
    text = f'{{"name": "f", "arguments": {written}}}'
    text = text[: data.draw(st.integers(0, len(text)))]
    said = [Start("m", 1, None, "id"), *data.draw(pieces(text)), Finish("length"), End()]
    answer = fold(answered(request, said))
    assert answer.finish == "length"
    assert answer.text == ""
    assert all(written.startswith(call.arguments) and call.name == "f" for call in answer.tool_calls)


@given(offered=tools())
@MODERATE
def test_no_tools_are_left_and_every_function_is_told(offered: tuple[ToolSpec, ...]) -> None:
    plain = call_by_schema(asked(offered))
    assert (plain.tools, plain.tool_choice) == ((), None)
    (told,) = plain.messages[0].parts
    assert isinstance(told, TextPart)
    lines = [orjson.loads(line)["name"] for line in told.text.split("\n")[-len(offered) :]]
    assert lines == [tool.name for tool in offered]
