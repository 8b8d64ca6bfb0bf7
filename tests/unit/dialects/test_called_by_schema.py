"""A forced call asked for as JSON: the schema, the words for the model, and the conversation as text."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import ClientMistake
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec
from tidegate.dialects.called_by_schema import call_by_schema, compiled, instruction

OFF = {"type": "disabled"}
CITY: dict[str, Any] = WEATHER["function"]["parameters"]
CITY_TOOL, TIME = ToolSpec("get_weather", "Get weather", CITY), ToolSpec("get_time")
USER = Message("user", (TextPart("Hi"),))


def form_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


NONE: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def forced(*messages: Message, choice: Any = "required", **more: Any) -> ChatRequest:
    return call_by_schema(
        ChatRequest(model="m", messages=messages, tools=(CITY_TOOL, TIME), tool_choice=choice, **more)
    )


def test_one_function_is_a_schema_of_its_own_and_several_are_any_of_them():
    assert compiled((CITY_TOOL,)) == form_of("get_weather", CITY)
    assert compiled((CITY_TOOL, TIME)) == {"anyOf": [form_of("get_weather", CITY), form_of("get_time", NONE)]}


def test_parameters_that_refer_into_themselves_still_do():
    node = {"type": "object", "properties": {"next": {"$ref": "#"}, "leaf": {"$ref": "#/definitions/leaf"}}}
    tool = ToolSpec("f", parameters={**node, "definitions": {"leaf": {}}, "$schema": "S", "$id": "I"})
    place = "#/$defs/f1"
    moved = {"next": {"$ref": place}, "leaf": {"$ref": f"{place}/definitions/leaf"}}
    assert compiled((TIME, tool)) == {
        "anyOf": [form_of("get_time", NONE), form_of("f", {"$ref": place})],
        "$defs": {"f1": {**node, "properties": moved, "definitions": {"leaf": {}}}},
    }
    assert compiled((tool,))["$defs"].keys() == {"f0"}


def test_what_names_a_document_is_left_out():
    assert compiled((ToolSpec("f", parameters={"$schema": "S", "$id": "I", **CITY}),)) == form_of("f", CITY)


def test_the_model_is_told_the_functions_and_the_form():
    told = instruction((CITY_TOOL, TIME))
    assert "one of these functions" in told
    assert '{"name": "FUNCTION", "arguments": {...}}' in told
    first, second = told.splitlines()[-2:]
    assert orjson.loads(first) == {"name": "get_weather", "description": "Get weather", "parameters": CITY}
    assert orjson.loads(second) == {"name": "get_time", "parameters": NONE}
    assert "this function" in instruction((TIME,))


def test_the_request_carries_schema_and_words_and_no_tools():
    asked = forced(USER, logprobs=True, top_logprobs=3, temperature=0.5, response_format={"type": "json_object"})
    assert (asked.tools, asked.tool_choice, asked.logprobs, asked.top_logprobs) == ((), None, None, None)
    assert asked.temperature == 0.5
    assert asked.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "call", "strict": True, "schema": compiled((CITY_TOOL, TIME))},
    }
    assert asked.messages == (Message("system", (TextPart(instruction((CITY_TOOL, TIME))),)), USER)


def test_of_a_named_function_only_that_one_is_offered():
    asked = forced(USER, choice=NamedTool("get_time"))
    assert asked.response_format is not None
    assert asked.response_format["json_schema"]["schema"] == form_of("get_time", NONE)
    assert asked.messages[0].parts == (TextPart(instruction((TIME,))),)


def test_earlier_calls_and_results_become_text():
    turns = (
        Message("system", (TextPart("Be brief."),)),
        USER,
        Message(
            "assistant",
            (
                ReasoningPart("R"),
                TextPart("Let me see."),
                ToolCallPart("a", "get_weather", '{"city": "Brest"}'),
                ToolCallPart("b", "get_time", ""),
            ),
        ),
        Message("tool", (TextPart("rain"),), call_id="a"),
        Message("tool", (TextPart("noon"),), call_id="b"),
        Message("user", (TextPart("And Oslo?"),)),
        Message("assistant", (ToolCallPart("c", "get_weather", '{"city": "Oslo"}'),)),
        Message("tool", (TextPart("snow"),), call_id="c"),
    )
    system, *rest = forced(*turns).messages
    assert system.parts == (TextPart("Be brief.\n\n" + instruction((CITY_TOOL, TIME))),)
    assert rest == [
        USER,
        Message(
            "assistant",
            (
                ReasoningPart("R"),
                TextPart(
                    'Let me see.\n{"name": "get_weather", "arguments": {"city": "Brest"}}\n'
                    '{"name": "get_time", "arguments": {}}'
                ),
            ),
        ),
        Message(
            "user",
            (TextPart("The function get_weather answered:\nrain\nThe function get_time answered:\nnoon\nAnd Oslo?"),),
        ),
        Message("assistant", (TextPart('{"name": "get_weather", "arguments": {"city": "Oslo"}}'),)),
        Message("user", (TextPart("The function get_weather answered:\nsnow"),)),
    ]


def test_results_before_another_turn_of_the_assistant_are_a_turn_of_the_user():
    image = OpaquePart({"type": "image_url"})
    said = Message("assistant", (TextPart("So."),))
    result = Message("tool", (image,), call_id="unknown")
    assert forced(USER, result, said).messages[2:] == (
        Message("user", (TextPart("The function answered:"), image)),
        said,
    )


@pytest.mark.parametrize(
    "asked", [{}, {"tools": [WEATHER]}, {"tools": [WEATHER], "tool_choice": "none"}, {"tool_choice": "required"}]
)
def test_a_choice_that_forces_nothing_changes_nothing(asked):
    plain = request(**asked, thinking=OFF)
    assert call_by_schema(plain) is plain


def test_a_schema_nested_beyond_measure_is_the_clients_to_mend():
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(5000):
        deep = {"type": "object", "not": deep}
    asked = ChatRequest(model="m", messages=(USER,), tools=(ToolSpec("f", None, deep),), tool_choice="required")
    with pytest.raises(ClientMistake, match="nested too deeply"):
        call_by_schema(asked)
