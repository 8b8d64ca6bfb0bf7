"""A refusal names the field and the rule, hits what asks for it and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects import refusals

RULE = Rulebook("TST", "Tests").rule("TST001", "nothing goes", why="a test", source="this file", checked="2026-11-24")
USER = {"role": "user", "content": "Hi"}
THE = {"role": "assistant", "content": "The"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {"type": "json_schema", "json_schema": {"schema": {}}}


@pytest.mark.parametrize(
    ("asks", "fields"),
    [
        (refusals.asks_prefix, {"messages": [USER, THE | {"prefix": True}]}),
        (refusals.asks_logprobs, {"logprobs": True}),
        (refusals.asks_regex, {"response_format": {"type": "regex", "regex": "a"}}),
        (refusals.asks_format, {"response_format": {"type": "regex", "regex": "a"}}),
        (refusals.asks_format, {"response_format": {"type": "json_object"}}),
        (refusals.asks_format, {"response_format": SCHEMA}),
        (refusals.asks_forced_tool, {"tools": [WEATHER], "tool_choice": "required"}),
        (refusals.asks_forced_tool, {"tools": [WEATHER], "tool_choice": NAMED}),
    ],
)
def test_what_asks_for_it_is_refused(asks: Callable[[ChatRequest], bool], fields: dict[str, Any]) -> None:
    rule, refuse = refusals.refusal(RULE, "the field", asks)
    assert rule is RULE
    with pytest.raises(NotSupported) as raised:
        refuse(request(**fields), {})
    assert raised.value.message == "the field is not supported by this backend, see TST001; use another `model`"


@pytest.mark.parametrize(
    ("asks", "fields"),
    [
        (refusals.asks_prefix, {"messages": [USER, THE]}),
        (refusals.asks_logprobs, {"logprobs": False}),
        (refusals.asks_logprobs, {}),
        (refusals.asks_regex, {"response_format": {"type": "json_object"}}),
        (refusals.asks_format, {"response_format": {"type": "text"}}),
        (refusals.asks_format, {}),
        (refusals.asks_forced_tool, {"tools": [WEATHER], "tool_choice": "auto"}),
        (refusals.asks_forced_tool, {"tools": [WEATHER]}),
        (refusals.asks_forced_tool, {"tool_choice": "required"}),
    ],
)
def test_what_does_not_ask_passes_and_is_no_quirk(asks: Callable[[ChatRequest], bool], fields: dict[str, Any]) -> None:
    body: dict[str, Any] = {"model": "m"}
    assert refusals.refusal(RULE, "the field", asks)[1](request(**fields), body) is False
    assert body == {"model": "m"}
