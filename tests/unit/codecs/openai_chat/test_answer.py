"""Whole answers: read from what servers send, written in the hosted API's key order."""

from __future__ import annotations

import contextlib
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import with_depth
from tests.support.strategies import MODERATE, json_values

from tidegate.codecs.answers import load_answer
from tidegate.codecs.openai_chat.answer import answer_milestones, decode_answer, encode_answer
from tidegate.core.errors import BrokenContract, GatewayError
from tidegate.core.events import Start, milestones
from tidegate.core.fold import Answer, unfold
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage

START = Start("deepseek-flash", 1700000000, "fp_abc", "ID-1")
TOTALS = (
    '"usage":{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":0},'
    '"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":20}'
)
HEAD = '{"id":"ID-1","object":"chat.completion","created":1700000000,"model":"deepseek-flash",'
COUNTED = Usage(prompt=20, output=5, cache_hit=0)

# Samples of deepseek-recipe 0.2.0, 2026-11-22.
THINKING = (
    HEAD + '"choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"I think"},'
    '"logprobs":null,"finish_reason":"stop"}],' + TOTALS + ',"system_fingerprint":"fp_abc"}'
)
PLAIN = (
    HEAD + '"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},'
    '"logprobs":null,"finish_reason":"stop"}],' + TOTALS + ',"system_fingerprint":"fp_abc"}'
)
CALLING = (
    HEAD
    + '"choices":[{"index":0,"message":{"role":"assistant","content":"Sure.","reasoning_content":"R","tool_calls":['
    '{"index":0,"id":"call_00_a","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\": \\"Paris\\"}"}},'
    '{"index":1,"id":"call_01_b","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},'
    '"logprobs":null,"finish_reason":"tool_calls"}],' + TOTALS + ',"system_fingerprint":"fp_abc"}'
)
SAMPLES = [
    (THINKING, Answer(start=START, text="Hello", reasoning="I think", finish="stop", usage=COUNTED)),
    (PLAIN, Answer(start=START, text="Hello", finish="stop", usage=COUNTED)),
    (
        CALLING,
        Answer(
            start=START,
            text="Sure.",
            reasoning="R",
            tool_calls=(
                ToolCallPart("call_00_a", "get_weather", '{"city": "Paris"}'),
                ToolCallPart("call_01_b", "get_weather", "{}"),
            ),
            finish="tool_calls",
            usage=COUNTED,
        ),
    ),
]


def encoded(answer: Answer) -> str:
    return encode_answer(
        answer, answer_id="ID-1", model="deepseek-flash", created=1700000000, fingerprint="fp_abc"
    ).decode()


@pytest.mark.parametrize(("body", "answer"), SAMPLES, ids=["thinking", "plain", "calling"])
def test_a_hosted_answer_is_read(body, answer):
    assert decode_answer(load_answer(body.encode())) == answer


@pytest.mark.parametrize(("body", "answer"), SAMPLES, ids=["thinking", "plain", "calling"])
def test_an_answer_is_written_as_the_hosted_api_writes_it(body, answer):
    assert encoded(answer) == body


def test_logprobs_are_written_for_each_side():
    answer = Answer(start=START, text="a", finish="stop", text_logprobs=({"token": "a"},))
    assert '"logprobs":{"content":[{"token":"a"}]},' in encoded(answer)
    both = Answer(
        start=START,
        text="a",
        reasoning="b",
        finish="stop",
        text_logprobs=({"token": "a"},),
        reasoning_logprobs=({"token": "b"},),
    )
    assert '"logprobs":{"content":[{"token":"a"}],"reasoning_content":[{"token":"b"}]},' in encoded(both)


def test_an_answer_nested_too_deeply_to_be_written_breaks_the_contract():
    body = with_depth(b'{"choices":[{"message":{},"finish_reason":"stop","logprobs":{"content":["DEEP"]}}]}', 500)
    answer = decode_answer(load_answer(body))
    with pytest.raises(BrokenContract):
        encoded(answer)


def test_usage_that_nobody_reported_is_null():
    assert '"usage":null,' in encoded(Answer(start=START, text="a", finish="stop"))


def test_a_null_content_is_an_empty_text():
    body = THINKING.replace('"content":"Hello"', '"content":null')
    assert decode_answer(load_answer(body.encode())).text == ""


def test_a_null_reasoning_is_none_and_an_empty_one_is_empty():
    for written, reasoning in (("null", None), ('""', "")):
        body = THINKING.replace('"reasoning_content":"I think"', f'"reasoning_content":{written}')
        assert decode_answer(load_answer(body.encode())).reasoning == reasoning


def test_blank_lines_before_the_answer_are_keep_alive():
    assert load_answer(b"\n\n\r\n" + PLAIN.encode()) == load_answer(PLAIN.encode())


@pytest.mark.parametrize("body", [b"", b"\n\n", b"<html>", b'{"choices":', b"\xff\xfe"])
def test_what_is_no_json_breaks_the_contract(body):
    with pytest.raises(BrokenContract, match="not JSON"):
        load_answer(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"Hello"'])
def test_json_that_is_no_object_breaks_the_contract(body):
    with pytest.raises(BrokenContract, match="not a JSON object"):
        load_answer(body)


@pytest.mark.parametrize(("body", "answer"), SAMPLES, ids=["thinking", "plain", "calling"])
def test_the_milestones_of_an_answer_are_those_of_its_events(body, answer):
    assert answer_milestones(load_answer(body.encode())) == milestones(tuple(unfold(answer)))


def answer_with(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "Hello", **message}, "finish_reason": "stop"}]}


def test_the_least_that_is_an_answer():
    assert decode_answer(answer_with()) == Answer(start=Start(), text="Hello", finish="stop")


@pytest.mark.parametrize(
    "fields", [{}, {"choices": []}, {"choices": [{"message": {}}]}, {"choices": [{"message": {}, "finish_reason": 5}]}]
)
def test_without_message_or_finish_there_are_no_milestones(fields):
    with pytest.raises(BrokenContract):
        answer_milestones(fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "lacks choices or message"),
        ({"choices": []}, "lacks choices or message"),
        ({"choices": ["Hello"]}, "lacks choices or message"),
        ({"choices": [{"message": "Hello", "finish_reason": "stop"}]}, "lacks choices or message"),
        ({"choices": [{"message": {"content": "Hello"}}]}, "no finish_reason that is text"),
        ({"choices": [{"message": {"content": "Hello"}, "finish_reason": 5}]}, "no finish_reason that is text"),
        (answer_with(content=["Hello"]), "no content that is text"),
        (answer_with(reasoning_content=5), "no reasoning_content that is text"),
        (answer_with(tool_calls=["f"]), "no tool name that is text"),
        (answer_with(tool_calls=[{"function": {"name": "f"}}]), "no tool arguments that is text"),
        (answer_with(tool_calls=[{"function": {"name": "f", "arguments": {}}}]), "no tool arguments that is text"),
        (
            answer_with(tool_calls=[{"id": 5, "function": {"name": "f", "arguments": ""}}]),
            "no tool call id that is text",
        ),
    ],
)
def test_an_answer_of_the_wrong_shape_breaks_the_contract(fields, said):
    with pytest.raises(BrokenContract, match=said):
        decode_answer(fields)


@pytest.mark.parametrize("name", ["model", "created", "system_fingerprint", "id"])
def test_nothing_odd_gets_into_a_start(name):
    for read, value in product((decode_answer, answer_milestones), ({"a": 1}, ["x"], True, 1.5)):
        with contextlib.suppress(BrokenContract):
            start = read(answer_with() | {name: value}).start
            assert start is not None
            assert value not in (start.model, start.created, start.fingerprint, start.answer_id)


@given(
    message=st.dictionaries(st.sampled_from(["content", "reasoning_content", "tool_calls"]), json_values()),
    rest=st.dictionaries(st.sampled_from(["choices", "usage", "model", "created"]), json_values()),
    logprobs=json_values(),
)
@MODERATE
def test_no_json_makes_the_decoder_raise_anything_of_its_own(message, rest, logprobs):
    for fields in ({"choices": [{"message": message, "finish_reason": "stop", "logprobs": logprobs}]} | rest, rest):
        for read in (decode_answer, answer_milestones):
            with contextlib.suppress(GatewayError):
                read(fields)
