"""Tools: their shapes and rules, which of them the model is shown, and what `tool_choice` comes to."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.anthropic_messages.tools import (
    Tool,
    check_choice,
    check_names,
    check_schemas,
    read_tool,
    read_tool_choice,
    shown_tools,
)
from tidegate.codecs.shapes import Misfit
from tidegate.core.errors import ClientMistake
from tidegate.core.requests import ChatRequest, NamedTool, ThinkingSwitch, ToolSpec

CONTRACT = contract_named(DEFAULT_PROFILE)
OBJECT: dict[str, Any] = {"type": "object"}


def test_a_tool_is_read_and_what_the_contract_ignores_is_left():
    fields = {"name": "f", "description": "d", "input_schema": OBJECT, "strict": 5, "cache_control": {}}
    assert read_tool(fields) == Tool("f", "d", OBJECT)
    assert read_tool({"name": "f", "defer_loading": True}) == Tool("f", deferred=True)
    assert read_tool({"type": "web_search_20250305", "name": "web_search"}) == Tool(server=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing field `name`"),
        ({"name": 5, "description": 5}, "field `name`: invalid type: integer `5`, expected a string"),
        ({"name": "f", "defer_loading": 5}, "field `defer_loading`: invalid type: integer `5`, expected a boolean"),
        ({"type": None}, "invalid type: null, expected a string"),
        ({"type": "custom", "name": 5}, "invalid type: integer `5`, expected a string"),
    ],
)
def test_a_tool_that_does_not_fit(value: Any, text: str):
    with pytest.raises(Misfit) as caught:
        read_tool(value)
    assert caught.value.shown == text


@pytest.mark.parametrize(
    ("tools", "text"),
    [
        ([Tool("f"), Tool(server=True)], "tools[1]: server tools are not supported"),
        ([Tool("")], "Invalid 'tools[0].name': empty string. Expected a string with minimum length 1"),
        ([Tool("é" * 65)], "Invalid 'tools[0].name': string too long. Expected a string with maximum length 128, but got "
            "a string with length 130 instead."),
        ([Tool("a b", deferred=True)], "Invalid 'tools[0].name': string does not match pattern."),
        ([Tool("f", deferred=True)], "tools: at least one tool must have defer_loading=false."),
    ],
)  # fmt: skip
def test_what_is_refused_before_the_messages(tools: list[Tool], text: str):
    with pytest.raises(ClientMistake) as caught:
        check_names(tools, CONTRACT)
    assert caught.value.message.startswith(text)


SECRET = {"type": "my secret"}


@pytest.mark.parametrize(
    ("tools", "quoting", "text"),
    [
        ([Tool("f", schema=OBJECT), Tool("f", schema=OBJECT)], True, "Tool names must be unique."),
        ([Tool("f", schema={}), Tool("f")], True, "got 'type: null'."),
        ([Tool("f", schema=SECRET)], True, "got 'type: \"my secret\"'."),
        ([Tool("f", schema=SECRET)], False, "got 'type: something else'."),
        ([Tool("f", schema=[1])], True, 'Invalid schema for function \'f\': [1] is not of types "boolean", "object"'),
        ([Tool("f", schema=["my secret"])], False, 'the input_schema is not of types "boolean", "object"'),
    ],
)
def test_what_is_refused_after_them(tools: list[Tool], quoting: bool, text: str):
    with pytest.raises(ClientMistake) as caught:
        check_schemas(tools, None, CONTRACT, quoting=quoting)
    assert caught.value.message.endswith(text)


def test_tools_that_may_not_be_called_are_not_checked():
    check_schemas([Tool("f"), Tool("f")], "none", CONTRACT, quoting=False)


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto"),
        ({"type": "any"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, NamedTool("f")),
    ],
)
def test_a_choice_is_read(value: Any, choice: Any):
    assert read_tool_choice(value) == choice


def test_a_choice_must_name_a_tool_and_thinking_allows_none():
    def check(choice: str, *tools: str, thinking: ThinkingSwitch | None = None) -> None:
        asked = ChatRequest(
            model="m",
            messages=(),
            tools=tuple(ToolSpec(name) for name in tools),
            tool_choice=NamedTool(choice),
            thinking=thinking,
        )
        check_choice(asked, CONTRACT, quoting=False)

    check("f", "f", thinking="disabled")
    check("g")
    with pytest.raises(ClientMistake, match="no function named 'g' was specified"):
        check("g", "f")
    with pytest.raises(ClientMistake, match="Thinking mode does not support this tool_choice"):
        check("f", "f")


def test_deferred_tools_are_shown_once_something_names_them():
    tools = [Tool("f", schema=OBJECT), Tool("g", "d", OBJECT, deferred=True)]
    assert shown_tools(tools, set()) == (ToolSpec("f", None, OBJECT),)
    assert shown_tools(tools, {"g"}) == (ToolSpec("f", None, OBJECT), ToolSpec("g", "d", OBJECT))
