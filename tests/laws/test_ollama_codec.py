"""Laws of Ollama's codec: what was written as lines or whole is read as it was, however the network cut it."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, chat_requests, json_objects, logprobs, names, texts

from tidegate.codecs import ndjson
from tidegate.codecs.answers import load_answer, load_chunk
from tidegate.codecs.json_text import dump_fields
from tidegate.codecs.ollama_chat.answer import decode_answer, encode_answer
from tidegate.codecs.ollama_chat.lines import LineDecoder, LineEncoder
from tidegate.codecs.ollama_chat.request import request_fields
from tidegate.core.errors import NotSupported
from tidegate.core.events import Event, Start
from tidegate.core.fold import Answer, fold, unfold
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage

counts = st.integers(0, 2**40)
calls = st.lists(
    st.builds(ToolCallPart, texts(1), texts(), json_objects().map(lambda fields: orjson.dumps(fields).decode())),
    max_size=3,
    unique_by=lambda call: call.call_id,
)


@st.composite
def answers(draw: st.DrawFn, *, whole: bool = False) -> Answer:
    """Any answer that `/api/chat` can say: no empty thought, no logprobs of nothing, no reason beside calls but one."""
    text, reasoning, made = draw(texts()), draw(st.none() | texts(1)), tuple(draw(calls))
    tells_apart = not whole or reasoning is None
    return Answer(
        start=Start(draw(names()), draw(st.none() | st.integers(0, 2**32))),
        text=text,
        reasoning=reasoning,
        tool_calls=made,
        finish=draw(st.sampled_from(["tool_calls", "length"] if made else ["stop", "length", "content_filter"])),
        usage=draw(st.none() | st.builds(Usage, prompt=counts, output=counts, cache_hit=st.none() | counts)),
        text_logprobs=draw(logprobs()) if text and tells_apart else None,
        reasoning_logprobs=draw(logprobs()) if reasoning and (not whole or not text) else None,
    )


def read(*pieces: bytes) -> list[Event]:
    framing, decoder = ndjson.Decoder(), LineDecoder()
    lines = [line.data or b"" for piece in pieces for line in framing.feed(piece)]
    assert not framing.pending
    return [event for line in lines for event in decoder.decode(load_chunk(line))]


def streamed(answer: Answer) -> bytes:
    encoder = LineEncoder()
    return b"".join(encoder.encode(event) for event in unfold(answer))


@given(answers())
@MODERATE
def test_events_that_were_written_are_read_as_they_were(answer):
    assert read(streamed(answer)) == list(unfold(answer))
    assert fold(read(streamed(answer))) == answer


@given(answers(whole=True))
@MODERATE
def test_a_whole_answer_that_was_written_is_read_as_it_was(answer):
    assert decode_answer(load_answer(encode_answer(answer))) == answer


@given(answers(), st.lists(st.integers(0, 10_000), max_size=8))
@MODERATE
def test_it_does_not_matter_where_a_stream_was_cut(answer, cuts):
    stream = streamed(answer)
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    pieces = [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]
    assert read(*pieces) == read(stream)


@given(chat_requests())
@MODERATE
def test_any_request_is_written_or_refused(request):
    try:
        fields = request_fields(request)
    except NotSupported:
        return
    body: dict[str, Any] = orjson.loads(dump_fields(fields))
    assert len(body["messages"]) == len(request.messages)
    assert body["think"] is request.thinks
