"""An answer is heard to its end, or not at all."""

from __future__ import annotations

import pytest

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, frame_of
from tidegate.core.messages import ToolCallPart
from tidegate.pipeline.hearing import Hearing

BEGIN: tuple[Event, ...] = (Start("m"), Reasoning("hm"), Text("a"), Text("b", ({"token": "b"},)))
END: tuple[Event, ...] = (ToolCall(0, "c", "f", "{}"), Finish("stop"), End())


def test_a_whole_answer_is_heard_without_its_logprobs() -> None:
    hearing = Hearing()
    hearing.hear([frame_of(*BEGIN)])
    hearing.hear([frame_of(event) for event in END])
    answer = hearing.answer()
    assert answer is not None
    assert (answer.reasoning, answer.text, answer.finish) == ("hm", "ab", "stop")
    assert answer.tool_calls == (ToolCallPart("c", "f", "{}"),)
    assert answer.text_logprobs is None


def test_an_answer_without_its_end_was_not_heard() -> None:
    hearing = Hearing()
    hearing.hear([frame_of(*BEGIN)])
    assert hearing.answer() is None


def unreadable() -> tuple[Event, ...]:
    raise BrokenContract("no")


@pytest.mark.parametrize("frame", [Frame(b"x", unreadable), frame_of(End())], ids=["unreadable", "out of order"])
def test_what_cannot_be_read_is_no_error(frame: Frame) -> None:
    hearing = Hearing()
    hearing.hear([frame])
    hearing.hear([frame_of(*BEGIN), frame_of(*END)])
    assert hearing.answer() is None


@pytest.mark.parametrize(("most", "heard"), [(6, True), (5, False)])
def test_what_is_too_long_is_forgotten(most: int, heard: bool) -> None:
    hearing = Hearing(most)
    hearing.hear([frame_of(*BEGIN)])
    hearing.hear([frame_of(*END)])
    assert (hearing.answer() is not None) == heard
