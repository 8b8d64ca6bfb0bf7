from __future__ import annotations

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.requests import FimRequest
from tidegate.routing.needs import needs_of, says_thinking

NAMED = {"type": "function", "function": {"name": "get_weather"}}
PREFIX = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Wel", "prefix": True}]


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"thinking": {"type": "enabled"}}, set()),
        ({"reasoning_effort": "max"}, set()),
        ({"thinking": {"type": "disabled"}}, {"thinking_off"}),
        ({"reasoning_effort": "none"}, {"thinking_off"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"response_format": {"type": "json_object"}}, {"json"}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, {"json"}),
        ({"tools": [WEATHER]}, {"tools"}),
        ({"tools": [WEATHER], "tool_choice": "auto"}, {"tools"}),
        ({"tools": [WEATHER], "tool_choice": "none"}, set()),
        ({"tools": [WEATHER], "tool_choice": "required"}, {"forced_tools"}),
        ({"tools": [WEATHER], "tool_choice": NAMED}, {"forced_tools"}),
        ({"tool_choice": "required"}, set()),
        ({"messages": PREFIX}, {"prefix"}),
        (
            {"messages": PREFIX, "thinking": {"type": "disabled"}, "tools": [WEATHER]},
            {"prefix", "thinking_off", "tools"},
        ),
    ],
)
def test_what_an_answer_depends_on(fields, needs):
    assert needs_of(request(**fields)) == needs


def test_a_gap_needs_infilling_and_a_plain_completion_nothing():
    assert needs_of(FimRequest(model="m", prompt="a")) == set()
    assert needs_of(FimRequest(model="m", prompt="a", suffix="b")) == {"fim"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [({}, False), ({"thinking": {"type": "adaptive"}}, True), ({"reasoning_effort": "low"}, True)],
)
def test_whether_a_request_says_how_to_think(fields, says):
    assert says_thinking(request(**fields)) is says
    assert not says_thinking(FimRequest(model="m", prompt="a"))
