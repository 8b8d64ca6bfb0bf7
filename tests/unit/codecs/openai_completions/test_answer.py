"""Whole completions: both directions, and what is no completion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, reasons, texts, usages

from tidegate.codecs.answers import load_answer
from tidegate.codecs.openai_completions.answer import answer_milestones, decode_answer, encode_answer
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Start, milestones
from tidegate.core.fold import Answer, unfold
from tidegate.core.messages import ToolCallPart

NAMES = {"answer_id": "id-1", "model": "m", "created": 1_790_000_000, "fingerprint": "fp"}
START = Start("m", 1_790_000_000, "fp", "id-1")
TOKENS = ({"token": "a", "logprob": -0.5, "top_logprobs": {"a": -0.5}, "text_offset": 0},)


@given(texts(), st.booleans(), reasons(), st.none() | usages())
@MODERATE
def test_an_answer_that_was_written_is_read_as_it_was(text, spoken, finish, usage):
    answer = Answer(start=START, text=text, finish=finish, usage=usage, text_logprobs=TOKENS if spoken else None)
    written = load_answer(encode_answer(answer, **NAMES))
    assert decode_answer(written) == answer
    assert answer_milestones(written) == milestones(tuple(unfold(answer)))


def test_the_keys_stand_as_documented():
    body = encode_answer(Answer(start=START, text="x", finish="stop"), **NAMES)
    assert body == (
        b'{"id":"id-1","object":"text_completion","created":1790000000,"model":"m","choices":[{"finish_reason":"stop",'
        b'"index":0,"logprobs":null,"text":"x"}],"usage":null,"system_fingerprint":"fp"}'
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"text": "a"}]},
        {"choices": [{"text": "a", "finish_reason": 5}]},
        {"choices": [{"message": {}, "finish_reason": "stop"}]},
    ],
)
def test_what_is_no_completion_is_the_backends_fault(fields):
    for read in (decode_answer, answer_milestones):
        with pytest.raises(BrokenContract):
            read(fields)


def test_a_text_that_is_none_is_refused():
    with pytest.raises(BrokenContract, match="no text that is text"):
        decode_answer({"choices": [{"text": None, "finish_reason": "stop"}]})


@pytest.mark.parametrize("more", [{"reasoning": ""}, {"tool_calls": (ToolCallPart("c", "f", "{}"),)}])
def test_a_completion_neither_thinks_nor_calls(more):
    with pytest.raises(BrokenContract, match="which only a chat has"):
        encode_answer(Answer(start=START, finish="stop", **more), **NAMES)
