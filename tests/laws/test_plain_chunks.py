"""A chunk is taken for plain content only if it is; and no JSON at all makes the decoder raise anything of its own."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import chunk
from tests.support.strategies import MODERATE, json_values, texts

from tidegate.codecs.answers import carries_only_content
from tidegate.codecs.openai_chat.chunks import ChunkDecoder
from tidegate.core.errors import GatewayError
from tidegate.core.events import Reasoning, Text, ToolCall

USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}


def begun() -> ChunkDecoder:
    decoder = ChunkDecoder()
    decoder.decode(chunk(delta={"role": "assistant", "content": ""}))
    return decoder


@given(
    st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error", "model", "id"]), json_values()), max_size=4)
)
@MODERATE
def test_no_json_makes_the_decoder_raise_anything_of_its_own(chunks):
    decoder = ChunkDecoder()
    with contextlib.suppress(GatewayError):
        for one in chunks:
            decoder.decode(one)


@given(
    delta=st.dictionaries(st.sampled_from(["content", "reasoning_content", "tool_calls"]), json_values()),
    logprobs=json_values(),
    reason=json_values(),
    call=st.dictionaries(st.sampled_from(["index", "id", "function"]), json_values()),
)
@MODERATE
def test_no_choice_makes_the_decoder_raise_anything_of_its_own(delta, logprobs, reason, call):
    for given_delta in (delta, {**delta, "tool_calls": [call]}, {"tool_calls": [{"index": 0, "function": call}]}):
        with contextlib.suppress(GatewayError):
            begun().decode(chunk(delta=given_delta, logprobs=logprobs, finish_reason=reason))


TRICKY = [
    '"finish_reason":"stop"',
    '"usage":{',
    '"error"',
    '"finish_reason":null',
    '\\"usage\\":{',
    "usage",
    "error",
    "\\",
]


def tricky_texts() -> st.SearchStrategy[str]:
    return st.lists(texts() | st.sampled_from(TRICKY), max_size=4).map("".join)


def hosted_deltas() -> st.SearchStrategy[dict[str, Any]]:
    text = tricky_texts()
    call = st.fixed_dictionaries({"index": st.integers(0, 3), "function": st.fixed_dictionaries({"arguments": text})})
    return st.one_of(
        st.fixed_dictionaries({"content": text}),
        st.fixed_dictionaries({"content": text, "reasoning_content": st.none()}),
        st.fixed_dictionaries({"content": st.none(), "reasoning_content": text}),
        st.fixed_dictionaries({"tool_calls": st.lists(call, min_size=1, max_size=2)}),
    )


@given(delta=hosted_deltas(), token=tricky_texts(), include_usage=st.booleans())
@MODERATE
def test_a_chunk_taken_for_plain_decodes_to_nothing_but_content(delta, token, include_usage):
    fields = chunk(delta=delta, logprobs={"content": [{"token": token}]}) | ({"usage": None} if include_usage else {})
    if carries_only_content(orjson.dumps(fields)):
        events = begun().decode(fields)
        assert all(type(event) in (Text, Reasoning, ToolCall) for event in events)


@given(delta=hosted_deltas(), token=tricky_texts(), usage=st.sampled_from([None, USAGE, {}]))
@MODERATE
def test_a_chunk_with_a_finish_is_never_plain(delta, token, usage):
    fields = chunk(delta=delta, finish_reason="stop", logprobs={"content": [{"token": token}]}) | {"usage": usage}
    assert not carries_only_content(orjson.dumps(fields))


@given(
    delta=hosted_deltas(),
    extra=st.sampled_from([{"usage": USAGE}, {"usage": {}}, {"error": {"message": "x"}}, {"error": None}]),
)
@MODERATE
def test_a_chunk_with_usage_or_an_error_is_never_plain(delta, extra):
    assert not carries_only_content(orjson.dumps(chunk(delta=delta) | extra))


@given(text=texts().filter(lambda text: text not in ("error", "usage")))
@MODERATE
def test_ordinary_text_is_plain(text):
    assert carries_only_content(orjson.dumps(chunk(delta={"content": text})))
    assert carries_only_content(orjson.dumps(chunk(delta={"content": text}) | {"usage": None}))
