"""Raw text to the parts of an answer: ends, counts of the thought, and what was not asked for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.raw import Tally, usage_told
from tidegate.dialects.raw_answer import RawAnswer
from tidegate.dialects.recipe import render

EOS = "<｜end▁of▁sentence｜>"
OFF = {"thinking": {"type": "disabled"}}
CALL = '\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'


class Answering:
    """One answer as its stage sees it; `told` counts tokens with each piece, as some servers do."""

    def __init__(self, *, told: bool = False, **asked: Any) -> None:
        asked_for = request(**asked)
        self.tally = Tally(usage_told)
        self._told = told
        self._count = 0
        self.stage = RawAnswer(
            render(asked_for, "v4").parser, self.tally, thinks=asked_for.thinks, calls=bool(asked_for.tools)
        )

    def says(self, *pieces: str, finish: str = "stop", used: Usage | None = None) -> list[Event]:
        events = list(self.stage.take(Start("m")))
        for piece in pieces:
            self._count += 1
            if self._told:
                self.tally.see({"usage": {"prompt_tokens": 9, "completion_tokens": self._count}})
            events += self.stage.take(Text(piece))
        events += self.stage.take(Finish(finish))
        if used is not None:
            events += self.stage.take(UsageReport(used))
        return [*events, *self.stage.take(End())]


def thought_of(used: Usage, *pieces: str, **how: Any) -> int | None:
    (report,) = [event for event in Answering(**how).says(*pieces, used=used) if isinstance(event, UsageReport)]
    return report.usage.reasoning


def test_thought_text_and_end():
    answering = Answering()
    used = Usage(prompt=9, output=5, cache_hit=0)
    assert answering.says("I ", "add.", "</think>", "2.", used=used) == [
        *(Start("m"), Reasoning("I "), Reasoning("add."), Text("2."), Finish("stop")),
        *(UsageReport(Usage(prompt=9, output=5, cache_hit=0, reasoning=2)), End()),
    ]
    assert answering.stage.quirks == []


def test_cached_tokens_that_nobody_reported_are_stated_once_and_by_the_last_report():
    answering = Answering()
    answering.stage.take(UsageReport(Usage(prompt=9, output=5)))
    assert answering.says("a</think>b", used=Usage(prompt=9, output=5, cache_hit=3))
    assert answering.stage.quirks == []
    answering = Answering()
    answering.says("a</think>b", used=Usage(prompt=9, output=5))
    assert answering.stage.quirks == ["RAW011"]


@pytest.mark.parametrize("place", range(len(EOS) + 1))
def test_an_end_token_that_came_as_text_ends_the_answer(place: int):
    answering = Answering(told=True, **OFF)
    said = answering.says("Hi", EOS[:place], EOS[place:] + "<｜User｜>go on", "and on", finish="length")
    assert [event for event in said if not isinstance(event, UsageReport)] == [
        *(Start("m"), Text("Hi"), Finish("stop"), End()),
    ]
    assert answering.stage.quirks == ["RAW008", "RAW011"]


def test_a_server_that_ends_behind_its_end_token_still_tells_what_was_used():
    used = Usage(prompt=9, output=2, cache_hit=0)
    said = Answering(**OFF).says("Hi" + EOS, "", used=used)
    assert said == [Start("m"), Text("Hi"), Finish("stop"), UsageReport(used), End()]


def test_what_only_looked_like_an_end_token_is_text():
    said = Answering(**OFF).says("a <｜end▁of", " it")
    assert "".join(event.text for event in said if isinstance(event, Text)) == "a <｜end▁of it"
    said = Answering(**OFF).says("a", "<｜end")
    assert [event for event in said if isinstance(event, Text)] == [Text("a"), Text("<｜end")]


def test_a_stop_string_ends_the_answer_at_once_with_what_is_known_to_be_used():
    said = Answering(told=True, stop=["STOP"]).says("a STOP ", "</think>", "b ST", "OP c", "d")
    assert [type(event) for event in said][-3:] == [Finish, UsageReport, End]
    assert UsageReport(Usage(prompt=9, output=4, reasoning=1)) in said
    said = Answering(stop=["STOP"]).says("</think>b ST", "OP c", used=Usage(prompt=9, output=9))
    assert said == [Start("m"), Text("b "), Finish("stop"), End()]


def test_a_call_that_was_not_offered_is_left_out():
    answering = Answering(**OFF)
    assert answering.says("Hi", CALL) == [Start("m"), Text("Hi"), Finish("stop"), End()]
    assert answering.stage.quirks == ["RAW004"]
    answering = Answering(tools=[WEATHER], **OFF)
    said = answering.says("Hi", CALL)
    assert Finish("tool_calls") in said
    assert any(isinstance(event, ToolCall) for event in said)


def test_a_cut_stays_cut():
    assert Finish("length") in Answering(tools=[WEATHER]).says("a</think>", CALL[:-40], finish="length")


@pytest.mark.parametrize(
    "pieces", [("a", " b", "</think>", "c"), ("a", " b", "</th", "ink>", "c"), ("a<", " b", "<", "/think", ">c")]
)
def test_the_thought_is_counted_without_its_closing_tag(pieces: tuple[str, ...]):
    used = Usage(prompt=9, output=len(pieces) + 1)
    assert thought_of(used, *pieces) == 2
    assert thought_of(used, *pieces, told=True) == 2


def test_where_pieces_are_not_tokens_and_nobody_counts_the_thought_is_unknown():
    assert thought_of(Usage(prompt=9, output=20), "a b c", "</think>", "d") is None
    assert thought_of(Usage(prompt=9, output=20), "a b c", "</think>", "d", told=True) == 1


def test_a_piece_of_many_tokens_that_holds_more_than_the_tag_leaves_the_count_unknown():
    answering = Answering()
    answering.stage.take(Start("m"))
    for piece, count in (("a b", 2), (" c</think>d", 6)):
        answering.tally.see({"usage": {"prompt_tokens": 9, "completion_tokens": count}})
        answering.stage.take(Text(piece))
    assert list(answering.stage.take(UsageReport(Usage(prompt=9, output=7)))) == [
        UsageReport(Usage(prompt=9, output=7))
    ]


def test_a_thought_that_was_cut_is_all_there_is():
    assert thought_of(Usage(prompt=9, output=2), "a", "b") == 2


def test_no_thought_is_not_a_thought_of_zero_tokens():
    assert thought_of(Usage(prompt=9, output=2), "a", "b", **OFF) is None


def test_a_call_inside_the_thought_leaves_its_count_unknown():
    assert thought_of(Usage(prompt=9, output=2), "a", CALL, tools=[WEATHER]) is None


def test_what_the_server_counted_itself_is_taken():
    assert thought_of(Usage(prompt=9, output=30, reasoning=7), "a", "</think>b") == 7


@pytest.mark.parametrize("event", [Reasoning("a"), ToolCall(0, "c", "f", "{}")])
def test_an_endpoint_that_parses_is_not_raw(event: Event):
    stage = Answering().stage
    with pytest.raises(BrokenContract, match="raw"):
        stage.take(event)
