"""The stage that keeps DSML from clients: calls out of text and reasoning, what is taken out, what is refused, what waits."""

from __future__ import annotations

import json
import re

import pytest
from tests.support.dsml import SPELLINGS, START, V4, V41, Spelling, heard, staged
from tests.support.samples import CALL, WEATHER, request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Finish, Reasoning, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects import DIALECTS
from tidegate.dialects.dsml import DsmlCalls, read_dsml

PARIS = {"city": "Paris"}
BLOCK = V4.calls(V4.call("get_weather", V4.text("city", "Paris")))
TWO = V4.calls(V4.call("get_weather", V4.text("city", "Paris")), V4.call("now"))
NATIVE = ToolCall(0, "c0", "get_weather", '{"city": "Paris"}')


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("said", [Text, Reasoning])
def test_every_spelling_becomes_a_call_whatever_it_stood_in(spelling: Spelling, said):
    block = spelling.calls(spelling.call("get_weather", spelling.text("city", "Paris"), spelling.value("days", 2)))
    found, quirks = staged(said("I look.\n\n"), said(block))
    assert found.parsed == [("get_weather", {"city": "Paris", "days": 2})]
    assert (found.text + found.reasoning, found.finish) == ("I look.", "tool_calls")
    assert quirks == ("REQ020",)


def test_parallel_calls_are_counted_and_have_ids_of_their_own():
    found, _ = staged(TWO)
    assert [name for name, _ in found.calls] == ["get_weather", "now"]
    assert all(re.fullmatch(rf"call_0{index}_[0-9a-f]{{24}}", one) for index, one in enumerate(found.ids))


def test_an_id_is_the_same_for_the_same_bytes_and_new_to_the_conversation():
    first, again = staged(BLOCK)[0], staged(BLOCK)[0]
    assert first.ids == again.ids
    turn = {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": first.ids[0]}]}
    history = [{"role": "user", "content": "Hi"}, turn]
    answer = {"role": "tool", "tool_call_id": first.ids[0], "content": "sunny"}
    later, _ = staged(BLOCK, messages=[*history, answer])
    assert later.ids != first.ids
    same_size, _ = staged(BLOCK, messages=[{"role": "user", "content": "Hi"}])
    assert same_size.ids == first.ids
    lone, _ = staged(BLOCK, messages=[{**turn, "reasoning_content": "R"}])
    assert lone.ids != first.ids


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ("", ""),
        ("a", "a"),
        ("a\n\n", "a"),
        ("a\n\n\n\n", "a"),
        ("a \n\n ", "a \n\n "),
        ("\n\n", ""),
        ("a\nb \n", "a\nb "),
    ],
)
def test_only_the_newlines_before_a_block_are_trimmed(before, left):
    assert staged(before + BLOCK)[0].text == left
    assert staged(*(before + BLOCK))[0].text == left


def test_text_without_a_tag_passes_at_once_as_the_same_event():
    stage = DsmlCalls(request(tools=[WEATHER]))
    for event in (START, Text("Hi"), Text(" a > b"), Reasoning("x"), Text(""), UsageReport(Usage()), Text("}", (1,))):
        assert list(stage.take(event)) == [event]
        assert next(iter(stage.take(event))) is event


def test_only_what_may_begin_a_block_waits():
    stage = DsmlCalls(request(tools=[WEATHER]))
    pieces = ["a < b", " <d", "iv>", "\n", "b", "\n\n<｜", "User", "<", "｜DS", "x", "c\n"]
    assert [[event.text for event in stage.take(Text(piece)) if isinstance(event, Text)] for piece in pieces] == [
        ["a < b"],
        [" <d"],
        ["iv>"],
        [],
        ["\n", "b"],
        [],
        ["\n\n<｜", "User"],
        [],
        [],
        ["<", "｜DS", "x"],
        ["c"],
    ]
    assert list(stage.take(Finish("stop"))) == [Text("\n"), Finish("stop")]
    assert stage.quirks == ()


def test_arguments_come_as_they_are_written():
    stage = DsmlCalls(request(tools=[WEATHER]))
    pieces = [*BLOCK[: BLOCK.index("Paris")], "Pa", "ris", "</｜DSML｜parameter>"]
    events = [event for piece in pieces for event in stage.take(Text(piece))]
    assert [event.arguments for event in events if isinstance(event, ToolCall)] == ["", '{"city": "', "Pa", "ris", '"']


def test_the_logprobs_of_text_stay_and_those_of_markup_go():
    stage = DsmlCalls(request(tools=[WEATHER]))
    said = [Text("a", (1,)), Text("b\n", (2,)), Text("\n", (3,)), Text("<", (4,)), Text("i>", (5,)), Text("\n<", (6,))]
    said += [Text(BLOCK[1:], (7,)), Text("\nc", (8,))]
    events = [event for one in said for event in stage.take(one)]
    assert [event for event in events if isinstance(event, Text)] == [
        Text("a", (1,)),
        Text("b", (2,)),
        Text("\n"),
        Text("\n", (3,)),
        Text("<", (4,)),
        Text("i>", (5,)),
        Text("c", (8,)),
    ]


def test_newlines_without_end_are_not_held_without_end():
    stage = DsmlCalls(request(tools=[WEATHER]))
    said = [event.text for _ in range(1000) for event in stage.take(Text("\n")) if isinstance(event, Text)]
    assert len(said) == 1000 - 256
    whole, by_one = staged("\n" * 1000 + BLOCK)[0], staged(*"\n" * 1000, BLOCK)[0]
    assert whole.text == by_one.text == "\n" * (1000 - 256)


def test_a_whole_answer_of_many_blocks_is_read_in_slices():
    found, _ = staged(("x" * 99 + BLOCK + V4.calls()) * 500)
    assert (len(found.calls), len(found.text)) == (500, 99 * 500)
    assert staged("<|DSML|calls></|DSML|calls>" * 2000)[0].text == ""


# What comes after a block.


def test_text_behind_a_block_is_kept_and_further_calls_are_found():
    found, _ = staged(f"a\n\n{BLOCK}\n\nb\n\n{BLOCK}\n")
    assert (found.text, found.parsed) == ("ab", [("get_weather", PARIS)] * 2)


def test_reasoning_that_called_may_be_followed_by_text():
    found, _ = staged(Reasoning(f"R\n\n{BLOCK}"), Text("\n\nb"))
    assert (found.reasoning, found.text, found.parsed) == ("R", "b", [("get_weather", PARIS)])


def test_calls_whose_block_the_prompt_has_opened():
    calls = V4.call("get_weather", V4.text("city", "Paris")) + V4.call("now")
    found, _ = staged(*f"\n{calls}</｜DSML｜tool_calls>")
    assert found.parsed == [("get_weather", PARIS), ("now", {})]
    assert (found.text, found.finish) == ("", "tool_calls")


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_block_whose_own_end_is_missing_is_whole(finish):
    found, _ = staged(BLOCK.removesuffix("</｜DSML｜tool_calls>"), finish=finish)
    assert (found.parsed, found.finish) == ([("get_weather", PARIS)], "tool_calls" if finish == "stop" else "length")


# Where no call is allowed.


@pytest.mark.parametrize("asked", [{"tools": False}, {"tool_choice": "none"}])
def test_where_no_call_is_allowed_the_block_is_taken_out(asked):
    found, quirks = staged(*f"a\n\n{TWO}\n", Reasoning("R"), **asked)
    assert (found.text, found.reasoning, found.calls, found.finish) == ("a", "R", [], "stop")
    assert quirks == ("REQ021",)


def test_a_cut_block_is_taken_out_too():
    assert staged(BLOCK[:60], finish="length", tools=False)[0].calls == []


# Where the server parses itself.


def test_the_servers_own_calls_pass_as_they_are():
    stage = DsmlCalls(request(tools=[WEATHER]))
    events = [START, Text("a"), NATIVE, ToolCall(0, arguments=" "), Finish("tool_calls")]
    assert [one for event in events for one in stage.take(event)] == events
    assert stage.quirks == ()


def test_markup_behind_the_servers_own_calls_is_not_called_twice():
    found, quirks = staged(NATIVE, BLOCK, "x", finish="tool_calls")
    assert (found.parsed, found.text) == ([("get_weather", PARIS)], "x")
    assert quirks == ("REQ021",)


@pytest.mark.parametrize("leaked", ["\n\n<｜DSML｜tool_calls>\n", "\n\n<｜DSML｜tool_", "\n\n<｜DSML｜"])
def test_an_opening_that_leaked_before_the_servers_own_calls_is_gone(leaked):
    found, _ = staged("a", leaked, NATIVE, finish="tool_calls")
    assert (found.text, found.parsed, found.finish) == ("a", [("get_weather", PARIS)], "tool_calls")


def test_the_same_calls_said_twice_are_refused():
    with pytest.raises(BrokenContract, match="REQ022"):
        staged(BLOCK, NATIVE)


# Cut and broken.


@pytest.mark.parametrize("place", range(1, len(TWO)))
def test_a_cut_answer_ends_with_length_and_never_with_a_call_that_was_not_written(place):
    found, _ = staged(f"a\n\n{TWO[:place]}", finish="length")
    whole = [("get_weather", '{"city": "Paris"}'), ("now", "{}")]
    assert found.finish == "length"
    assert "DSML" not in found.text.removesuffix("<｜DSML")
    for (name, arguments), (full_name, full) in zip(found.calls, whole, strict=False):
        assert (name, full[: len(arguments)]) == (full_name, arguments)
    if found.calls and "</｜DSML｜invoke>" not in TWO[:place]:
        with pytest.raises(json.JSONDecodeError):
            json.loads(found.calls[0][1])


@pytest.mark.parametrize("finish", ["stop", "tool_calls"])
def test_an_answer_that_stops_inside_a_call_is_refused(finish):
    end = TWO.rindex("</｜DSML｜invoke>")
    inside = range(TWO.index("｜tool_calls>") + 1, TWO.index("</｜DSML｜invoke>") + 15)
    for place in (*inside, end + 5):
        with pytest.raises(BrokenContract, match="REQ022"):
            staged(f"a\n\n{TWO[:place]}", finish=finish)


@pytest.mark.parametrize(
    "said",
    [
        BLOCK.replace(' name="get_weather"', ""),
        V4.calls(V4.call("get_weather", '{"city": "Paris"}')),
        V4.text("city", "Paris"),
        "x </｜DSML｜tool_calls>",
        f"{BLOCK} x </｜DSML｜invoke>",
        "see <｜DSML｜foo>",
        "see <｜DSML｜...> for that",
        "<｜DSML｜tool_calls >",
        "`<｜DSML｜tool_calls>` begins a block",
    ],
)
@pytest.mark.parametrize("tools", [True, False])
def test_markup_that_cannot_be_read_is_refused_and_never_shown(said, tools):
    for pieces in ([said], [*said]):
        with pytest.raises(BrokenContract, match="REQ022") as caught:
            staged(*pieces, tools=tools)
        assert "city" not in caught.value.message


def test_a_call_that_is_torn_between_reasoning_and_text_is_refused():
    with pytest.raises(BrokenContract, match="REQ022"):
        staged(Reasoning(BLOCK[:70]), Text(BLOCK[70:]))


def test_another_end_keeps_its_reason():
    assert staged(BLOCK, finish="content_filter")[0].finish == "content_filter"


# In the dialects.


LOCAL = [dialect for dialect in DIALECTS if dialect.name != "deepseek"]


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
@pytest.mark.parametrize("spelling", [V4, V41])
def test_every_local_dialect_keeps_it_from_its_clients(dialect, spelling):
    assert read_dsml in dialect.stages
    block = spelling.calls(spelling.call("get_weather", spelling.text("city", "Paris")))
    events = [START, Text(f"a\n\n{block}"), Finish("stop"), UsageReport(Usage(output=9))]
    for stage in dialect.encode(request(tools=[WEATHER], stream=True), "m").stages:
        events = [one for event in events for one in stage.take(event)]
    found = heard(events)
    assert (found.text, found.parsed, found.finish) == ("a", [("get_weather", PARIS)], "tool_calls")
