"""Both directions of the codec agree: whatever is written can be read, and says the same."""

from __future__ import annotations

from hypothesis import example, given
from tests.support.strategies import MODERATE, answers, chat_requests, usages

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, load_answer, load_chunk
from tidegate.codecs.openai_chat.answer import answer_milestones, decode_answer, encode_answer
from tidegate.codecs.openai_chat.chunks import ChunkDecoder, ChunkEncoder
from tidegate.codecs.openai_chat.request import decode_request, encode_request
from tidegate.codecs.usage import decode_usage, encode_usage
from tidegate.core.events import End, Event, Start, milestones
from tidegate.core.fold import Answer, fold, unfold
from tidegate.core.messages import Message, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest

START = Start("m", 1_790_000_000, "fp", "id-1")
NAMES = {"answer_id": "id-1", "model": "m", "created": 1_790_000_000, "fingerprint": "fp"}


@given(chat_requests())
@example(
    ChatRequest(
        model="🌊",
        messages=(
            Message("assistant", (ReasoningPart(""), TextPart(""), TextPart("\x00"), ToolCallPart("", "", ""))),
            Message("tool", (), call_id=""),
        ),
        extras={"": None, "metadata": {"a": [1.5, None]}},
    )
)
@MODERATE
def test_a_request_that_was_written_is_read_as_it_was(request):
    assert decode_request(encode_request(request)) == request


@given(answers())
@MODERATE
def test_an_answer_that_was_unfolded_folds_to_what_it_was(answer):
    assert fold(unfold(answer)) == answer


@given(answers())
@MODERATE
def test_an_answer_that_was_written_is_read_as_it_was(answer):
    written = load_answer(encode_answer(answer, **NAMES))
    expected = renamed(answer)
    assert decode_answer(written) == expected
    assert answer_milestones(written) == milestones(tuple(unfold(expected)))


@given(answers(streamable=True))
@MODERATE
def test_an_answer_that_was_streamed_folds_to_what_it_was(answer):
    for include_usage in (True, False):
        assert fold(decoded(streamed(answer, include_usage=include_usage))) == renamed(answer)


@given(usages())
@MODERATE
def test_usage_that_was_written_is_read_as_it_was(usage):
    assert decode_usage(encode_usage(usage)) == usage


def renamed(answer: Answer) -> Answer:
    """The gateway answers under its own id and model."""
    return Answer(
        start=START,
        text=answer.text,
        reasoning=answer.reasoning,
        tool_calls=answer.tool_calls,
        finish=answer.finish,
        usage=answer.usage,
        text_logprobs=answer.text_logprobs,
        reasoning_logprobs=answer.reasoning_logprobs,
    )


def streamed(answer: Answer, *, include_usage: bool) -> bytes:
    encoder = ChunkEncoder(**NAMES, include_usage=include_usage)
    return b"".join(encoder.encode(event) for event in unfold(answer))


def decoded(stream: bytes) -> list[Event]:
    decoder = ChunkDecoder()
    events: list[Event] = []
    for event in sse.Decoder().feed(stream):
        assert event.data is not None
        events.extend((End(),) if event.data == DONE else decoder.decode(load_chunk(event.data)))
    return events
