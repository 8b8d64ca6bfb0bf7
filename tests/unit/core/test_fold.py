"""Events make an answer and come out of it again, and an order that the table does not allow is refused."""

from __future__ import annotations

import pytest

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.fold import Answer, Folding, OrderCheck, fold, unfold
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage

START = Start("m", 1700000000, "fp", "id-1")
WHOLE = Answer(
    start=START,
    text="Sure.",
    reasoning="I think",
    tool_calls=(ToolCallPart("c0", "get_weather", '{"city": "Paris"}'), ToolCallPart("c1", "get_time", "{}")),
    finish="tool_calls",
    usage=Usage(prompt=20, output=5, cache_hit=0),
    text_logprobs=({"token": "Sure"}, {"token": "."}),
    reasoning_logprobs=({"token": "I"},),
)


def test_unfolding_gives_each_part_as_one_event_in_the_contracts_order():
    assert list(unfold(WHOLE)) == [
        START,
        Reasoning("I think", ({"token": "I"},)),
        Text("Sure.", ({"token": "Sure"}, {"token": "."})),
        ToolCall(0, "c0", "get_weather", '{"city": "Paris"}'),
        ToolCall(1, "c1", "get_time", "{}"),
        Finish("tool_calls"),
        UsageReport(Usage(prompt=20, output=5, cache_hit=0)),
        End(),
    ]


def test_folding_what_was_unfolded_gives_the_answer_back():
    assert fold(unfold(WHOLE)) == WHOLE


def test_pieces_are_joined_in_the_order_they_came():
    events = [
        START,
        Reasoning("I "),
        Reasoning("think"),
        Text("Hel", ("a",)),
        Text("lo", ("b",)),
        Finish("stop"),
        End(),
    ]
    answer = fold(events)
    assert (answer.reasoning, answer.text, answer.text_logprobs) == ("I think", "Hello", ("a", "b"))
    assert answer.reasoning_logprobs is None


def test_a_tool_call_grows_by_its_index_even_if_pieces_interleave():
    events = [
        START,
        ToolCall(1, "c1", "second"),
        ToolCall(0, "c0", "first"),
        ToolCall(0, arguments='{"a"'),
        ToolCall(1, arguments="{}"),
        ToolCall(0, arguments=": 1}"),
        Finish("tool_calls"),
        End(),
    ]
    assert fold(events).tool_calls == (ToolCallPart("c0", "first", '{"a": 1}'), ToolCallPart("c1", "second", "{}"))


def test_a_cut_tool_call_keeps_its_broken_arguments():
    events = [START, ToolCall(0, "c0", "f", '{"city": "Par'), Finish("length"), End()]
    assert fold(events).tool_calls == (ToolCallPart("c0", "f", '{"city": "Par'),)


def test_no_reasoning_is_none_and_an_empty_one_is_empty():
    assert fold([START, Text("a"), Finish("stop"), End()]).reasoning is None
    assert fold([START, Reasoning(""), Text("a"), Finish("stop"), End()]).reasoning == ""


def test_an_answer_nobody_counted_has_no_usage():
    assert fold([START, Text("a"), Finish("stop"), End()]).usage is None


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([Text("a")], "Text after the beginning"),
        ([START, START], "Start after Start"),
        ([START, End()], "End after Start"),
        ([START, UsageReport(Usage())], "UsageReport after Start"),
        ([START, Text("a"), End()], "End after Text"),
        ([START, Text("a"), UsageReport(Usage())], "UsageReport after Text"),
        ([START, Finish("stop"), Text("a")], "Text after Finish"),
        ([START, Finish("stop"), Finish("stop")], "Finish after Finish"),
        ([START, Finish("stop"), UsageReport(Usage()), Finish("stop")], "Finish after UsageReport"),
        ([START, Finish("stop"), End(), End()], "End after End"),
        ([START, Finish("stop"), End(), Text("a")], "Text after End"),
    ],
)
def test_events_out_of_order_break_the_contract(events, said):
    with pytest.raises(BrokenContract, match=said):
        fold(events)


def test_usage_that_is_told_twice_is_as_told_last():
    told = [UsageReport(Usage(prompt=1)), UsageReport(Usage(prompt=2))]
    assert fold([START, Finish("stop"), *told, End()]).usage == Usage(prompt=2)


@pytest.mark.parametrize(
    "events", [[], [START], [START, Text("a")], [START, Finish("stop")], [START, Finish("stop"), UsageReport(Usage())]]
)
def test_an_answer_without_its_proper_end_is_broken(events):
    with pytest.raises(BrokenContract, match="no proper end"):
        fold(events)


def test_the_answer_is_there_as_soon_as_the_end_came():
    folding = Folding()
    for event in (START, Text("a"), Finish("stop")):
        folding.add(event)
    with pytest.raises(BrokenContract):
        folding.answer()
    folding.add(End())
    assert folding.answer() == Answer(start=START, text="a", finish="stop")


def test_the_order_check_knows_when_content_may_come_and_when_all_is_over():
    order = OrderCheck()
    seen = [(order.in_content, order.ended)]
    for event in (START, Reasoning("a"), Text("b"), ToolCall(0), Finish("stop"), UsageReport(Usage()), End()):
        order.accept(event)
        seen.append((order.in_content, order.ended))
    assert seen == [(False, False), *[(True, False)] * 4, *[(False, False)] * 2, (False, True)]


def test_a_refused_event_does_not_move_the_order_on():
    order = OrderCheck()
    order.accept(START)
    with pytest.raises(BrokenContract):
        order.accept(End())
    assert order.in_content


def test_logprobs_can_be_left_out_of_what_is_collected():
    folding = Folding(logprobs=False)
    for event in unfold(WHOLE):
        folding.add(event)
    answer = folding.answer()
    assert (answer.text, answer.reasoning) == (WHOLE.text, WHOLE.reasoning)
    assert (answer.text_logprobs, answer.reasoning_logprobs) == (None, None)


def test_the_stop_string_that_ended_an_answer_is_kept():
    answer = fold([Start(), Text("a"), Finish("stop", "END"), End()])
    assert (answer.finish, answer.stop) == ("stop", "END")
    assert Finish("stop", "END") in list(unfold(answer))
    assert fold([Start(), Text("a"), Finish("stop"), End()]).stop is None
