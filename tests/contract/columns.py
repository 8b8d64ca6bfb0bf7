"""The features of the contract, each with the request that asks for it on each surface and what the answer must be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.mind import CONTINUED, GAP, PROSE, THOUGHT
from tests.contract.outcome import Outcome

Fields = dict[str, Any]
OFF: Fields = {"thinking": {"type": "disabled"}}
PARIS = {"city": "Paris"}
SCHEMA: Fields = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "size": {"type": "string", "enum": ["small", "large"]}},
    "required": ["city", "size"],
    "additionalProperties": False,
}
PARAMETERS: Fields = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Column:
    """`chat`, `messages` and `fim` are bodies but for model and stream; None where the surface has no such request.

    `holds` raises AssertionError when the answer is not the contract's. `path` overrides the surface's own.
    """

    name: str
    holds: Callable[[Outcome], None]
    chat: Fields | None = None
    messages: Fields | None = None
    fim: Fields | None = None
    path: str | None = None
    model: str | None = None


def user(text: str) -> list[Fields]:
    return [{"role": "user", "content": text}]


def tool(**more: Any) -> Fields:
    function = {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS, **more}
    return {"type": "function", "function": function}


TOOL = {"name": "get_weather", "description": "Weather", "input_schema": PARAMETERS}
NAMED = {"type": "function", "function": {"name": "get_weather"}}


def _thinks(got: Outcome) -> None:
    """A model that does not think says so by having thought nothing; what it thought must be apart from its text."""
    assert got.text == PROSE
    assert got.reasoning in (THOUGHT, "")
    assert got.finish == "stop"


def _does_not_think(got: Outcome) -> None:
    assert (got.text, got.reasoning, got.finish) == (PROSE, "", "stop")


def _is_json(got: Outcome) -> None:
    assert isinstance(json.loads(got.text), dict)
    assert got.finish == "stop"


def _follows_schema(got: Outcome) -> None:
    assert json.loads(got.text) == {"city": "Paris", "size": "small"}


def _calls(*cities: str) -> Callable[[Outcome], None]:
    def holds(got: Outcome) -> None:
        assert [(name, json.loads(arguments)) for name, arguments in got.calls] == [
            ("get_weather", {"city": city}) for city in cities
        ]
        assert got.finish == "tool_calls"

    return holds


def _calls_in_pieces(got: Outcome) -> None:
    _calls("Paris")(got)


def _calls_at_least_one(got: Outcome) -> None:
    assert got.finish == "tool_calls"
    assert got.calls
    assert all(name == "get_weather" and json.loads(arguments) for name, arguments in got.calls)


def _is_cut(got: Outcome) -> None:
    """What was said of a call before the limit, never something that can be executed."""
    assert got.finish == "length"
    for _, arguments in got.calls:
        assert arguments != "{}"


def _fills_the_gap(got: Outcome) -> None:
    assert (got.text, got.finish) == (GAP, "stop")


def _goes_on(got: Outcome) -> None:
    assert (got.text, got.reasoning) == (CONTINUED, "")


def _is_counted(got: Outcome) -> None:
    usage = got.usage
    assert usage["prompt_tokens"] and usage["completion_tokens"]
    if "total_tokens" in usage:
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    if got.reasoning and "completion_tokens_details" in usage:
        thought = usage["completion_tokens_details"]["reasoning_tokens"]
        assert 0 < thought < usage["completion_tokens"]


def _shows_the_cache(got: Outcome) -> None:
    hit, miss = got.usage["prompt_cache_hit_tokens"], got.usage["prompt_cache_miss_tokens"]
    assert hit is None or hit + miss == got.usage["prompt_tokens"]


def _is_refused_as_too_long(got: Outcome) -> None:
    assert got.status == 400
    assert got.error["message"].startswith("This model's maximum context length is")
    assert got.error["type"] == "invalid_request_error"


def _is_answered(got: Outcome) -> None:
    assert got.text == PROSE


def _says_unknown(got: Outcome) -> None:
    assert got.status == 404


REPLAY_CHAT = [
    *user("How is it there?"),
    {
        "role": "assistant",
        "content": "",
        "reasoning_content": THOUGHT,
        "tool_calls": [
            {"id": "c0", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c0", "content": "18 degrees"},
]
REPLAY_MESSAGES = [
    *user("How is it there?"),
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": "s"},
            {"type": "tool_use", "id": "c0", "name": "get_weather", "input": PARIS},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c0", "content": "18 degrees"}]},
]
PREFIX = [*user("What colour is the sky?"), {"role": "assistant", "content": "The sky is", "prefix": True}]
WEATHER = {"messages": user("How is the weather?")}
FORCED = {"messages": user("Hello there."), **OFF}

COLUMNS: tuple[Column, ...] = (
    Column("thinking on", _thinks, {"messages": user("Hi")}, {"messages": user("Hi")}),
    Column("thinking off", _does_not_think, {"messages": user("Hi"), **OFF}, {"messages": user("Hi"), **OFF}),
    Column(
        "JSON object",
        _is_json,
        {"messages": user("Say it as json"), "response_format": {"type": "json_object"}, **OFF},
    ),
    Column(
        "JSON schema",
        _follows_schema,
        {
            "messages": user("Say it as json"),
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": SCHEMA}},
            **OFF,
        },
    ),
    Column("tools auto", _calls("Paris"), {**WEATHER, "tools": [tool()]}, {**WEATHER, "tools": [TOOL]}),
    Column(
        "tools required",
        _calls_at_least_one,
        # Messages have no such wish: the hosted API takes `any` for `auto` (deepseek-recipe 0.2.0, run 2026-11-24).
        {**FORCED, "tools": [tool()], "tool_choice": "required"},
    ),
    Column(
        "tools named",
        _calls_at_least_one,
        {**FORCED, "tools": [tool()], "tool_choice": NAMED},
        {**FORCED, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "get_weather"}},
    ),
    Column(
        "tools strict",
        _calls("Paris"),
        {**WEATHER, **OFF, "tools": [tool(strict=True)]},
        path="/beta/chat/completions",
    ),
    Column(
        "tools parallel",
        _calls("Paris", "London"),
        {"messages": user("How is the weather in both?"), "tools": [tool()], **OFF},
        {"messages": user("How is the weather in both?"), "tools": [TOOL], **OFF},
    ),
    Column(
        "tools truncated",
        _is_cut,
        {**WEATHER, **OFF, "tools": [tool()], "max_tokens": 3},
        {**WEATHER, **OFF, "tools": [TOOL], "max_tokens": 3},
    ),
    Column("FIM", _fills_the_gap, fim={"prompt": "def add(a, b):\n    return ", "suffix": "\n"}),
    Column("prefix", _goes_on, {"messages": PREFIX, **OFF}, path="/beta/chat/completions"),
    Column("usage", _is_counted, {"messages": user("Hi")}, {"messages": user("Hi")}, {"prompt": "a", "suffix": "b"}),
    Column("cache fields", _shows_the_cache, {"messages": user("Hi")}, {"messages": user("Hi")}),
    Column("overflow", _is_refused_as_too_long, {"messages": user("overflow")}, {"messages": user("overflow")}),
    Column(
        "unknown model",
        _says_unknown,
        {"messages": user("Hi")},
        {"messages": user("Hi")},
        {"prompt": "a", "suffix": "b"},
        model="box/nope",
    ),
    Column(
        "reasoning replay",
        _is_answered,
        {"messages": REPLAY_CHAT, "tools": [tool()]},
        {"messages": REPLAY_MESSAGES, "tools": [TOOL]},
    ),
    Column(
        "legacy names",
        _does_not_think,
        {"messages": user("Hi")},
        {"messages": user("Hi")},
        model="deepseek-chat",
    ),
)
