"""Who hears an answer gets it whole once it has ended, or not at all; and the stream is never in danger."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, frame_of
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer
from tidegate.pipeline.hearing import Hearing

EXCHANGE = Exchange("ex_1", "test", 0.0)


def heard(*batches: list[Frame], most: int = 1000) -> list[tuple[Exchange, Answer]]:
    kept: list[tuple[Exchange, Answer]] = []
    hearing = Hearing([lambda *what: kept.append(what), lambda *what: kept.append(what)], most)
    for frames in batches:
        hearing.hear(frames)
    hearing.end(EXCHANGE)
    return kept


def frames(*events: Event) -> list[Frame]:
    return [frame_of(event) for event in events]


def test_every_keeper_gets_the_whole_answer() -> None:
    kept = heard(frames(Start("m"), Text("Good ")), frames(Text("day"), Finish("stop"), End()))
    assert [(exchange.exchange_id, answer.text) for exchange, answer in kept] == [("ex_1", "Good day")] * 2


def _broken() -> tuple[Event, ...]:
    raise BrokenContract("a delta that is not text")


@pytest.mark.parametrize(
    "batches",
    [
        [[Frame(b"x", _broken)], frames(Start(), Finish("stop"), End())],
        [frames(Start(), Text("cut"))],
        [frames(Start(), Text("t" * 1001), Finish("stop"), End())],
        [frames(Start(), Reasoning("t" * 500), ToolCall(0, "c", "f", "a" * 501), Finish("stop"), End())],
        [frames(Text("before its start"))],
        [],
    ],
)
def test_what_is_broken_cut_or_too_long_is_not_kept(batches: list[Any]) -> None:
    assert heard(*batches) == []


def test_of_an_answer_that_broke_off_the_text_that_was_given_out_is_kept() -> None:
    cut: list[str] = []
    hearing = Hearing([], on_cut=lambda _exchange, said: cut.append(said))
    hearing.hear(frames(Start("m"), Reasoning("hm"), Text("half ")))
    hearing.cut(EXCHANGE, frames(Text("an answer")))
    Hearing([], on_cut=lambda _exchange, said: cut.append(said)).cut(EXCHANGE, frames(Start("m")))
    Hearing([]).cut(EXCHANGE, frames(Start("m"), Text("nobody asks")))
    assert cut == ["half an answer"]
