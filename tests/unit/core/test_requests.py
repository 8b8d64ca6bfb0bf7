"""A request says what the client said and nothing more; thinking is on unless it was switched off."""

from __future__ import annotations

import pytest

from tidegate.core.messages import Message, ReasoningPart, TextPart
from tidegate.core.requests import ChatRequest


def test_what_the_client_did_not_say_is_none():
    request = ChatRequest(model="auto", messages=())
    silent = ("include_usage", "thinking", "effort", "max_tokens", "temperature", "top_p", "tool_choice", "seed", "n")
    assert [getattr(request, name) for name in silent] == [None] * len(silent)
    assert (request.stream, request.stop, request.tools, request.extras) == (False, (), (), {})


@pytest.mark.parametrize(
    ("thinking", "effort", "thinks"),
    [
        (None, None, True),
        (None, "none", False),
        (None, "minimal", True),
        (None, "max", True),
        ("enabled", None, True),
        ("enabled", "none", True),
        ("adaptive", "none", True),
        ("disabled", None, False),
        ("disabled", "max", False),
    ],
)
def test_the_switch_decides_about_thinking_and_without_it_the_effort_none(thinking, effort, thinks):
    assert ChatRequest(model="auto", messages=(), thinking=thinking, effort=effort).thinks is thinks


def test_two_requests_share_no_extras():
    one, other = ChatRequest(model="a", messages=()), ChatRequest(model="a", messages=())
    assert one.extras is not other.extras


@pytest.mark.parametrize(
    ("parts", "prefix", "thinking", "before"),
    [
        ((TextPart("The"),), True, None, True),
        ((TextPart("The"),), False, None, False),
        ((ReasoningPart("So"),), True, None, False),
        ((ReasoningPart("So"), TextPart("The")), True, "enabled", True),
        ((TextPart("The"),), True, "disabled", False),
    ],
)
def test_a_prefix_with_text_has_its_thought_behind_it(parts, prefix, thinking, before):
    last = Message("assistant", parts, prefix=prefix)
    asked = ChatRequest(model="m", messages=(Message("user", (TextPart("Hi"),)), last), thinking=thinking)
    assert asked.thought_before is before
