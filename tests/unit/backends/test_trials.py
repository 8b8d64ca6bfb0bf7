"""The trials: each asks for what it measures, and its judge can say no."""

from __future__ import annotations

import pytest

from tidegate.backends.trials import TRIALS, calls_the_tool, goes_on, not_thinking
from tidegate.core.events import Start
from tidegate.core.fold import Answer
from tidegate.core.messages import ToolCallPart
from tidegate.core.requests import ChatRequest
from tidegate.routing.needs import needs_of


def said(text: str = "", finish: str = "stop", **more: object) -> Answer:
    return Answer(start=Start(), text=text, finish=finish, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.feature)
def test_each_request_needs_the_feature_that_it_tries(trial):
    assert trial.feature in needs_of(trial.request)
    assert trial.request.stream


def test_they_are_short_and_do_not_think():
    for trial in TRIALS:
        assert (trial.request.max_tokens or 0) <= 64
        assert not (isinstance(trial.request, ChatRequest) and trial.request.thinks)


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (said("2"), True),
        (said("2", reasoning=""), True),
        (said("2", reasoning="Let me think"), False),
        (said("<think>Let me"), False),
        (said("so</think>2"), False),
    ],
)
def test_thinking_is_off_when_nothing_was_thought(answer, holds):
    assert not_thinking(answer) is holds


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (said(finish="tool_calls", tool_calls=(ToolCallPart("c", "report_colour", "{}"),)), True),
        (said(finish="tool_calls", tool_calls=(ToolCallPart("c", "other", "{}"),)), False),
        (said("Grass is green."), False),
        (said(finish="length"), True),
    ],
)
def test_a_forced_call_is_a_call_of_that_tool(answer, holds):
    assert calls_the_tool(answer) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("is.", True),
        ("", True),
        (" noise", True),
        ("The capital of France is Paris", False),
        ("Paris", False),
        (" Paris is", False),
        ("Sure! It", False),
    ],
)
def test_a_continuation_does_not_begin_anew(text, holds):
    assert goes_on(said(text)) is holds
