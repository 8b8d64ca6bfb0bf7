"""Frames are lazy: decoded at most once, and not at all if nobody asks. And which event may follow which."""

from __future__ import annotations

from typing import get_args

from tidegate.core.events import (
    FOLLOWS,
    NOTHING,
    End,
    Event,
    Finish,
    Frame,
    Milestones,
    Reasoning,
    Start,
    Text,
    ToolCall,
    UsageReport,
    frame_of,
    milestones,
)
from tidegate.core.usage import Usage


class CountedDecode:
    """Decodes to one event and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> tuple[Event, ...]:
        self.times += 1
        return (Text("hello"),)


def test_a_frame_nobody_looks_into_is_never_decoded():
    decode = CountedDecode()
    frame = Frame(b"data: x\n\n", decode)
    assert frame.wire == b"data: x\n\n"
    assert frame.passed is NOTHING
    assert decode.times == 0


def test_a_frame_is_decoded_once_however_often_it_is_read():
    decode = CountedDecode()
    frame = Frame(None, decode)
    assert frame.events == frame.events == (Text("hello"),)
    assert decode.times == 1


def test_a_frame_that_decodes_to_nothing_is_decoded_once_too():
    times: list[int] = []
    frame = Frame(None, lambda: times.append(1) or ())
    assert (frame.events, frame.events) == ((), ())
    assert times == [1]


def test_milestones_are_what_the_books_need_of_all_that_was_said():
    start, finish, usage = Start("m"), Finish("stop"), UsageReport(Usage(prompt=1))
    assert milestones((start, Reasoning("a"), Text("b"), ToolCall(0))) == Milestones(start=start)
    assert milestones((Text("b"), finish, usage)) == Milestones(finish=finish, usage=usage)
    assert milestones((End(),)) == Milestones(ended=True)
    assert milestones(()) == milestones((Text("b"),)) == NOTHING


def test_looking_at_the_milestones_decodes_nothing():
    decode = CountedDecode()
    frame = Frame(None, decode, Milestones(finish=Finish("stop")))
    assert frame.passed.finish == Finish("stop")
    assert decode.times == 0


def test_a_frame_of_events_was_never_bytes():
    frame = frame_of(Text("a"), End())
    assert frame.wire is None
    assert frame.events == (Text("a"), End())
    assert frame.passed == Milestones(ended=True)


def test_the_table_speaks_of_every_event():
    assert set(FOLLOWS) == {None, *get_args(Event)}


def test_an_answer_begins_with_start_and_with_nothing_else():
    assert FOLLOWS[None] == {Start}
    assert all(Start not in followers for before, followers in FOLLOWS.items() if before is not None)


def test_only_finish_leads_to_usage_and_end():
    assert {before for before, followers in FOLLOWS.items() if UsageReport in followers} == {Finish, UsageReport}
    assert {before for before, followers in FOLLOWS.items() if End in followers} == {Finish, UsageReport}


def test_nothing_follows_the_end():
    assert FOLLOWS[End] == frozenset()


def test_content_of_any_kind_may_mix_until_finish():
    for kind in (Start, Reasoning, Text, ToolCall):
        assert FOLLOWS[kind] == {Reasoning, Text, ToolCall, Finish}
