"""Chunks to events, wherever usage rides, and events to the hosted API's chunks, byte for byte."""

from __future__ import annotations

import contextlib

import orjson
import pytest
from tests.support.samples import chunk, with_depth

from tidegate.codecs.answers import carries_only_content, load_chunk
from tidegate.codecs.openai_chat.chunks import ChunkDecoder, ChunkEncoder
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage

START = Start("deepseek-flash", 1700000000, "fp_abc", "ID-1")
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25, "prompt_cache_hit_tokens": 0}
COUNTED = Usage(prompt=20, output=5, cache_hit=0)
FIRST = {"role": "assistant", "content": None, "reasoning_content": ""}


def begun() -> ChunkDecoder:
    decoder = ChunkDecoder()
    assert decoder.decode(chunk(delta=FIRST)) == (START,)
    return decoder


def test_the_first_chunk_gives_the_start_and_no_later_one_does():
    decoder = begun()
    assert decoder.decode(chunk()) == (Text("Hel"),)


def test_a_first_chunk_may_already_hold_content():
    assert ChunkDecoder().decode(chunk()) == (START, Text("Hel"))


@pytest.mark.parametrize(
    ("delta", "events"),
    [
        ({"content": None, "reasoning_content": "I "}, (Reasoning("I "),)),
        ({"content": "Hel", "reasoning_content": None}, (Text("Hel"),)),
        ({"content": "b", "reasoning_content": "a"}, (Reasoning("a"), Text("b"))),
        ({"content": "", "reasoning_content": ""}, ()),
        ({}, ()),
        (None, ()),
        (
            {"tool_calls": [{"index": 1, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
            (ToolCall(1, "c1", "f", ""),),
        ),
        ({"tool_calls": [{"index": 1, "function": {"arguments": "{"}}]}, (ToolCall(1, arguments="{"),)),
        ({"tool_calls": [{"function": {"name": "f"}}, {"index": 2}]}, (ToolCall(0, name="f"), ToolCall(2))),
    ],
)
def test_a_delta_gives_its_events(delta, events):
    assert begun().decode(chunk(delta=delta)) == events


def test_logprobs_go_with_the_side_that_speaks():
    tokens = [{"token": "Hel", "logprob": -0.5}]
    assert begun().decode(chunk(logprobs={"content": tokens})) == (Text("Hel", tuple(tokens)),)
    thought = chunk(delta={"reasoning_content": "I"}, logprobs={"content": None, "reasoning_content": tokens})
    assert begun().decode(thought) == (Reasoning("I", tuple(tokens)),)


def test_usage_may_ride_on_the_last_content_chunk():
    last = chunk(delta={"content": ""}, finish_reason="stop") | {"usage": USAGE}
    assert begun().decode(last) == (Finish("stop"), UsageReport(COUNTED))


def test_usage_may_come_in_a_chunk_of_its_own_after_the_finish():
    decoder = begun()
    assert decoder.decode(chunk(delta={}, finish_reason="stop")) == (Finish("stop"),)
    assert decoder.decode({"choices": [], "usage": USAGE}) == (UsageReport(COUNTED),)


def test_usage_before_the_finish_is_only_progress():
    assert begun().decode(chunk() | {"usage": USAGE}) == (Text("Hel"),)


def test_the_last_content_may_ride_with_the_finish():
    last = chunk(delta={"reasoning_content": "cut"}, finish_reason="length")
    assert begun().decode(last) == (Reasoning("cut"), Finish("length"))


def test_a_chunk_after_the_finish_says_nothing_more():
    decoder = begun()
    decoder.decode(chunk(finish_reason="stop"))
    assert decoder.decode(chunk(delta={"content": "late"})) == ()


def test_only_the_first_choice_is_read():
    two = chunk()
    two["choices"].append({"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"})
    assert begun().decode(two) == (Text("Hel"),)


def test_an_error_inside_the_stream_breaks_it_and_is_not_quoted():
    with pytest.raises(BrokenContract, match="error inside its stream") as caught:
        begun().decode({"error": {"message": "CANARY"}})
    assert "CANARY" not in caught.value.message


@pytest.mark.parametrize("data", [b"", b"nonsense", b'{"choices":[', b"\xff", b'{"a":"\\ud800"}'])
def test_an_event_that_is_no_json_breaks_the_contract(data):
    with pytest.raises(BrokenContract, match="not JSON"):
        load_chunk(data)


@pytest.mark.parametrize("data", [b"[]", b"5", b"null", b'"text"'])
def test_an_event_that_is_no_object_breaks_the_contract(data):
    with pytest.raises(BrokenContract, match="not a JSON object"):
        load_chunk(data)


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": {"content": 5}},
        {"delta": {"content": ["Hel"]}},
        {"delta": {"reasoning_content": {"text": "x"}}},
        {"delta": {"tool_calls": [{"index": "0"}]}},
        {"delta": {"tool_calls": [{"index": 0, "id": 7}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"name": ["f"]}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": {"city": "Paris"}}}]}},
        {"finish_reason": 5},
        {"finish_reason": {}},
    ],
)
def test_a_delta_of_the_wrong_type_breaks_the_contract(choice):
    with pytest.raises(BrokenContract):
        begun().decode(chunk(**choice))


@pytest.mark.parametrize("call_id", [0, False, [], {}])
def test_a_tool_call_id_is_text_or_absent_even_if_it_counts_as_false(call_id):
    with pytest.raises(BrokenContract):
        begun().decode(chunk(delta={"tool_calls": [{"index": 0, "id": call_id}]}))


@pytest.mark.parametrize("name", ["model", "created", "system_fingerprint", "id"])
def test_nothing_odd_gets_into_a_start(name):
    for value in ({"a": 1}, ["x"], True, 1.5):
        with contextlib.suppress(BrokenContract):
            (start, *_) = ChunkDecoder().decode(chunk() | {name: value})
            assert value not in (start.model, start.created, start.fingerprint, start.answer_id)


TRICKY = ['"finish_reason":"stop"', '"usage":{', '"error"', '"finish_reason":null', '\\"usage\\":{', "\\"]


@pytest.mark.parametrize("text", ["Hello", *TRICKY])
@pytest.mark.parametrize("more", [{}, {"usage": None}])
def test_a_compact_content_chunk_is_plain_whatever_its_text(text, more):
    assert carries_only_content(orjson.dumps(chunk(delta={"content": f"see {text} there"}) | more))


@pytest.mark.parametrize(
    "fields",
    [
        chunk(finish_reason="stop"),
        chunk(finish_reason="stop") | {"usage": USAGE},
        chunk() | {"usage": USAGE},
        chunk() | {"usage": {}},
        chunk() | {"error": {"message": "x"}},
        {"choices": [], "usage": USAGE},
    ],
)
def test_a_chunk_with_finish_usage_or_error_is_not_plain(fields):
    assert not carries_only_content(orjson.dumps(fields))


@pytest.mark.parametrize("text", ["error", "usage"])
def test_when_in_doubt_a_chunk_is_decoded(text):
    assert not carries_only_content(orjson.dumps(chunk(delta={"content": text})))


def test_json_that_is_not_compact_is_decoded():
    assert not carries_only_content(orjson.dumps(chunk(), option=orjson.OPT_INDENT_2))


HEAD = '{"id":"ID-1","object":"chat.completion.chunk","created":1700000000,"model":"deepseek-flash","system_fingerprint":"fp_abc",'
TOTALS = (
    '"usage":{"prompt_tokens":20,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0},'
    '"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":20}'
)


def line(delta: str, *, finish: str = "null", logprobs: str = "null", usage: str = "") -> str:
    """One event as the hosted API writes it (deepseek-recipe 0.2.0, 2026-11-22)."""
    choice = f'{{"index":0,"delta":{delta},"logprobs":{logprobs},"finish_reason":{finish}}}'
    return f'data: {HEAD}"choices":[{choice}]{"," if usage else ""}{usage}}}\n\n'


def encoded(*events: Event, include_usage: bool = False) -> str:
    encoder = ChunkEncoder(
        answer_id="ID-1",
        model="deepseek-flash",
        created=1700000000,
        fingerprint="fp_abc",
        include_usage=include_usage,
    )
    return b"".join(encoder.encode(event) for event in (START, *events)).decode()


THINKING = (Reasoning("I "), Reasoning("think"), Text("Hel"), Text("lo"), Finish("stop"), UsageReport(COUNTED), End())
DONE = "data: [DONE]\n\n"


def test_a_thinking_answer_is_written_as_the_hosted_api_writes_it():
    assert encoded(*THINKING) == (
        line('{"role":"assistant","content":null,"reasoning_content":""}')
        + line('{"content":null,"reasoning_content":"I "}')
        + line('{"content":null,"reasoning_content":"think"}')
        + line('{"content":"Hel","reasoning_content":null}')
        + line('{"content":"lo","reasoning_content":null}')
        + line('{"content":"","reasoning_content":null}', finish='"stop"', usage=TOTALS % (5, 25))
        + DONE
    )


def test_usage_asked_for_adds_a_null_to_every_chunk_but_the_last():
    null = '"usage":null'
    assert encoded(*THINKING, include_usage=True) == (
        line('{"role":"assistant","content":null,"reasoning_content":""}', usage=null)
        + line('{"content":null,"reasoning_content":"I "}', usage=null)
        + line('{"content":null,"reasoning_content":"think"}', usage=null)
        + line('{"content":"Hel","reasoning_content":null}', usage=null)
        + line('{"content":"lo","reasoning_content":null}', usage=null)
        + line('{"content":"","reasoning_content":null}', finish='"stop"', usage=TOTALS % (5, 25))
        + DONE
    )


def test_an_answer_without_thinking_never_speaks_of_reasoning():
    usage = UsageReport(Usage(prompt=20, output=2, cache_hit=0))
    assert encoded(Text("Hel"), Text("lo"), Finish("stop"), usage, End()) == (
        line('{"role":"assistant","content":""}')
        + line('{"content":"Hel"}')
        + line('{"content":"lo"}')
        + line('{"content":""}', finish='"stop"', usage=TOTALS % (2, 22))
        + DONE
    )


def test_tool_calls_are_written_name_first_and_arguments_in_pieces():
    events = (
        Reasoning("R"),
        Text("Sure."),
        ToolCall(0, "call_00_a", "get_weather", ""),
        ToolCall(0, arguments='{"city"'),
        ToolCall(0, arguments=": 1}"),
        ToolCall(1, "call_01_b", "get_time", ""),
        ToolCall(1, arguments="{}"),
        Finish("tool_calls"),
        UsageReport(COUNTED),
        End(),
    )
    first = '{"tool_calls":[{"index":%d,"id":"%s","type":"function","function":{"name":"%s","arguments":""}}]}'
    more = '{"tool_calls":[{"index":%d,"function":{"arguments":"%s"}}]}'
    assert encoded(*events) == (
        line('{"role":"assistant","content":null,"reasoning_content":""}')
        + line('{"content":null,"reasoning_content":"R"}')
        + line('{"content":"Sure.","reasoning_content":null}')
        + line(first % (0, "call_00_a", "get_weather"))
        + line(more % (0, r"{\"city\""))
        + line(more % (0, ": 1}"))
        + line(first % (1, "call_01_b", "get_time"))
        + line(more % (1, "{}"))
        + line('{"content":"","reasoning_content":null}', finish='"tool_calls"', usage=TOTALS % (5, 25))
        + DONE
    )


def test_logprobs_name_only_the_side_that_speaks():
    tokens = ({"token": "I", "logprob": -0.5},)
    written = '[{"token":"I","logprob":-0.5}]'
    lines = encoded(Reasoning("I", tokens), Text("I", tokens), Finish("stop"), End()).split("\n\n")
    assert lines[1] + "\n\n" == line(
        '{"content":null,"reasoning_content":"I"}', logprobs=f'{{"reasoning_content":{written}}}'
    )
    assert lines[2] + "\n\n" == line('{"content":"I","reasoning_content":null}', logprobs=f'{{"content":{written}}}')


def test_logprobs_nested_too_deeply_to_be_written_break_the_contract():
    deep = with_depth(orjson.dumps(chunk(logprobs={"content": ["DEEP"]})), 500)
    (text,) = begun().decode(load_chunk(deep))
    with pytest.raises(BrokenContract):
        encoded(text)


def test_usage_that_nobody_reported_is_null_on_the_last_chunk():
    assert encoded(Text("a"), Finish("length"), End()).endswith(
        line('{"content":""}', finish='"length"', usage='"usage":null') + DONE
    )


def test_an_empty_answer_still_has_its_first_and_last_chunk():
    assert encoded(Finish("content_filter"), End()) == (
        line('{"role":"assistant","content":""}')
        + line('{"content":""}', finish='"content_filter"', usage='"usage":null')
        + DONE
    )
