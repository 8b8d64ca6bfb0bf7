"""What an answer has said so far, whether anybody may go on with it, and what is asked then."""

from __future__ import annotations

import pytest
from tests.support.samples import request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Frame, Reasoning, Start, Text, ToolCall, UsageReport, frame_of
from tidegate.core.messages import Message, ReasoningPart, TextPart
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.usage import Usage
from tidegate.resilience.midstream import Said, continuation, obstacle
from tidegate.resilience.rules import FINISHED, UNFIT_REQUEST, UNFIT_TEXT

ASKED = request(stream=True, user_id="u", temperature=0.5, max_tokens=10)


def said(*events: Event, most: int = 1000) -> Said:
    found = Said(most)
    found.hear([frame_of(event) for event in events])
    return found


def test_what_was_said_is_told_in_as_few_words_as_possible():
    found = said(Start("m"), Reasoning("a"), Reasoning("b"), Text(""), Text("c"), Text("d"))
    assert found.events == (Start("m"), Reasoning("ab"), Text("cd"))
    assert (found.pieces, found.about_tokens, found.last) == (4, 4, ())
    assert said(Start(), Text("x" * 40)).about_tokens == 10


def test_the_last_frames_that_went_out_as_they_came_are_known():
    found = Said()
    found.hear([Frame(b"%d" % place, lambda: (Text("a"),)) for place in range(6)])
    assert found.last == (b"2", b"3", b"4", b"5")


def test_what_cannot_be_read_cannot_be_gone_on_with():
    def broken() -> tuple[Event, ...]:
        raise BrokenContract("a delta that is not text")

    found = said(Start(), Text("a"))
    found.hear([Frame(b"data: {}\n\n", broken)])
    assert obstacle(ASKED, found) is UNFIT_TEXT


@pytest.mark.parametrize(
    "events",
    [
        (),
        (Text("a"), Reasoning("b")),
        (Text("a"), ToolCall(0, "c", "f")),
        (Text("x" * 11),),
        (Text("a"), Text("b"), Text("x" * 9)),
    ],
)
def test_one_thought_and_one_text_that_is_held_whole(events: tuple[Event, ...]):
    found = said(Start(), *events, most=10)
    assert obstacle(ASKED, found) is UNFIT_TEXT
    assert found.text == found.reasoning == ""


def test_nothing_is_left_behind_a_finish():
    for more in ((), (UsageReport(Usage()),), (UsageReport(Usage()), End())):
        assert obstacle(ASKED, said(Start(), Text("a"), Finish("stop"), *more)) is FINISHED


def test_a_completion_is_not_continued():
    assert obstacle(FimRequest(model="m", prompt="p", stream=True), said(Start(), Text("a"))) is UNFIT_REQUEST


def test_a_prefix_of_several_texts_is_not_made_longer():
    for parts, fits in (
        ((TextPart("a"),), True),
        ((ReasoningPart("r"), TextPart("a")), True),
        ((TextPart("a"), TextPart("b")), False),
    ):
        asked = ChatRequest(model="m", messages=(Message("assistant", parts, prefix=True),), stream=True)
        assert obstacle(asked, said(Start(), Text("c"))) is (None if fits else UNFIT_REQUEST)


def test_a_thought_behind_a_prefix_that_has_text_already_has_no_place():
    asked = ChatRequest(model="m", messages=(Message("assistant", (TextPart("a"),), prefix=True),), stream=True)
    assert obstacle(asked, said(Start(), Reasoning("r"))) is UNFIT_TEXT


@pytest.mark.parametrize(
    ("text", "fits"), [("the", False), ("the e", False), ("then ", True), ("an en", False), ("END", True), ("a ", True)]
)
def test_a_stop_string_is_not_cut_in_two(text: str, fits: bool):
    asked = request(stream=True, stop=["the end", "end"])
    assert (obstacle(asked, said(Start(), Text(text))) is None) is fits


def test_what_is_asked_is_the_conversation_and_the_answer_so_far():
    asked = continuation(ASKED, said(Start(), Reasoning("r"), Text("a")))
    turn = Message("assistant", (ReasoningPart("r"), TextPart("a")), prefix=True)
    assert asked.messages == (*ASKED.messages, turn)
    assert (asked.max_tokens, asked.user_id, asked.temperature, asked.stream) == (8, "u", 0.5, True)
    assert continuation(request(stream=True), said(Start(), Text("a"))).max_tokens is None


def test_it_is_asked_in_the_format_that_has_a_word_for_it():
    asked = ChatRequest(model="m", messages=ASKED.messages, stream=True, codec="anthropic_messages")
    assert continuation(asked, said(Start(), Text("a"))).codec == "openai_chat"


def test_all_of_max_tokens_may_be_used_up():
    nine, ten = ([Text("a")] * many for many in (9, 10))
    assert obstacle(ASKED, said(Start(), *nine)) is None
    assert obstacle(ASKED, said(Start(), *ten)) is UNFIT_TEXT
