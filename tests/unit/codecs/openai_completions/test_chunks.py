"""Streamed completions: chunks to events and back, whatever the answer, and what no completion can hold."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, reasons, texts, usages

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, load_chunk
from tidegate.codecs.openai_completions.chunks import ChunkDecoder, ChunkEncoder
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.fold import Answer, fold, unfold
from tidegate.core.usage import Usage

NAMES = {"answer_id": "id-1", "model": "m", "created": 1_790_000_000, "fingerprint": "fp"}
START = Start("m", 1_790_000_000, "fp", "id-1")
TOKENS = ({"token": "a", "logprob": -0.5, "top_logprobs": None, "text_offset": 0},)


def chunk(text: str = "a", finish: str | None = None, **more: object) -> dict:
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
    return {
        "id": "id-1",
        "created": 1_790_000_000,
        "model": "m",
        "system_fingerprint": "fp",
        "choices": [choice],
        **more,
    }


def streamed(*events: Event, include_usage: bool = False) -> list[bytes]:
    encoder = ChunkEncoder(**NAMES, include_usage=include_usage)
    stream = b"".join(encoder.encode(event) for event in events)
    return [event.data or b"" for event in sse.Decoder().feed(stream)]


def decoded(chunks: list[bytes]) -> list[Event]:
    decoder = ChunkDecoder()
    events: list[Event] = []
    for data in chunks:
        events.extend((End(),) if data == DONE else decoder.decode(load_chunk(data)))
    return events


@given(texts(), st.booleans(), reasons(), st.none() | usages(), st.booleans())
@MODERATE
def test_an_answer_that_was_streamed_folds_to_what_it_was(text, spoken, finish, usage, include_usage):
    tokens = TOKENS if text and spoken else None
    answer = Answer(start=START, text=text, finish=finish, usage=usage, text_logprobs=tokens)
    assert fold(decoded(streamed(*unfold(answer), include_usage=include_usage))) == answer


def test_usage_rides_on_the_chunk_that_finishes():
    first, last, done = streamed(Start(), Text("a"), Finish("length"), UsageReport(Usage(prompt=3, output=1)), End())
    assert orjson.loads(first) == {
        "id": "id-1",
        "object": "text_completion",
        "created": 1_790_000_000,
        "model": "m",
        "choices": [{"finish_reason": None, "index": 0, "logprobs": None, "text": "a"}],
        "system_fingerprint": "fp",
    }
    written = orjson.loads(last)
    assert written["choices"] == [{"finish_reason": "length", "index": 0, "logprobs": None, "text": ""}]
    assert written["usage"]["prompt_tokens"] == 3
    assert done == DONE


def test_include_usage_puts_a_null_on_the_other_chunks():
    first, *_ = streamed(Start(), Text("a"), Finish("stop"), End(), include_usage=True)
    assert orjson.loads(first)["usage"] is None


def test_usage_in_a_chunk_of_its_own_is_read():
    decoder = ChunkDecoder()
    assert decoder.decode(chunk()) == (START, Text("a"))
    assert decoder.decode(chunk("", "stop")) == (Finish("stop"),)
    assert decoder.decode({"choices": [], "usage": {"prompt_tokens": 3}}) == (UsageReport(Usage(prompt=3)),)
    assert decoder.decode(chunk("late")) == ()


def test_content_can_be_read_later():
    assert ChunkDecoder().decode_content(chunk("b")) == (Text("b"),)
    assert ChunkDecoder().decode_content({"choices": []}) == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"error": {"message": "x"}},
        {"choices": [5]},
        {"choices": [{"text": 5}]},
        {"choices": [{"text": "", "finish_reason": 5}]},
        {"choices": [{"text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": []}}]},
    ],
)
def test_what_is_no_completion_is_the_backends_fault(broken):
    with pytest.raises(BrokenContract):
        ChunkDecoder().decode(broken)


@pytest.mark.parametrize("event", [Reasoning("R"), ToolCall(0, "c", "f")])
def test_a_completion_neither_thinks_nor_calls(event):
    with pytest.raises(BrokenContract, match="which only a chat has"):
        streamed(Start(), event)
