"""Hearing an answer whole: its keepers get it once it has properly ended, and nothing of one that was cut or too long."""

from __future__ import annotations

from tidegate.core.events import End, Event, Finish, Start, Text, ToolCall, frame_of
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer
from tidegate.pipeline.hearing import Hearing

WHOLE = (Start(), Text("Hello"), Finish("stop"), End())


def heard(*events: Event, most: int = 100) -> list[Answer]:
    kept: list[Answer] = []
    hearing = Hearing([lambda _exchange, answer: kept.append(answer)] * 2, most)
    for event in events:
        hearing.hear([frame_of(event)])
    hearing.end(Exchange("ex_1", "test", 0.0))
    return kept


def test_every_keeper_gets_the_whole_answer() -> None:
    assert [answer.text for answer in heard(*WHOLE)] == ["Hello", "Hello"]


def test_what_has_no_end_or_no_order_is_not_heard() -> None:
    assert heard(*WHOLE[:-1]) == []
    assert heard(WHOLE[1], *WHOLE) == []


def test_what_is_too_long_is_not_heard() -> None:
    assert heard(*WHOLE, most=4) == []
    assert heard(Start(), ToolCall(0, "c", "f", "12345"), Finish("stop"), End(), most=4) == []
    assert heard(*WHOLE, most=5)
