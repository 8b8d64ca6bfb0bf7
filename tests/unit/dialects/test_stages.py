"""The stages that dialects share: what each changes, what it leaves, and that it says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.dialects.stages import AnswerInReasoning, CallsFinish

CODE = "TST001"
CALL = ToolCall(0, "c", "f", "{}")


def through(stage: AnswerInReasoning | CallsFinish, *events: Event) -> tuple[list[Event], Sequence[str]]:
    return [said for event in (Start(), *events, End()) for said in stage.take(event)][1:-1], stage.quirks


def test_an_answer_that_was_taken_for_reasoning_is_given_back_piece_by_piece():
    said = through(AnswerInReasoning(CODE), Reasoning("a", (1,)), Reasoning("b"), Finish("stop"))
    assert said == ([Text("a", (1,)), Text("b"), Finish("stop")], (CODE,))


@pytest.mark.parametrize(
    "events",
    [
        [Reasoning("a"), Text("b"), Finish("stop")],
        [Reasoning("a"), CALL, Finish("tool_calls")],
        [Reasoning("a"), Finish("length")],
        [Text("b"), Finish("stop")],
        [Finish("stop")],
    ],
)
def test_what_may_be_a_thought_stays_one(events):
    assert through(AnswerInReasoning(CODE), *events) == (events, ())


def test_reasoning_is_held_back_until_it_is_known_what_it_is():
    stage = AnswerInReasoning(CODE)
    assert list(stage.take(Reasoning("a"))) == []
    assert list(stage.take(Text("b"))) == [Reasoning("a"), Text("b")]


def test_a_call_ends_with_tool_calls():
    assert through(CallsFinish(CODE), CALL, Finish("stop")) == ([CALL, Finish("tool_calls")], (CODE,))


@pytest.mark.parametrize(
    "events", [[Text("a"), Finish("stop")], [CALL, Finish("length")], [CALL, Finish("tool_calls")]]
)
def test_any_other_end_stays(events):
    assert through(CallsFinish(CODE), *events) == (events, ())
