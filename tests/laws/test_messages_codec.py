"""Laws of the Messages codec: what was encoded decodes to what it was, whole or cut into pieces anywhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.oracle_messages.requests import sound_requests
from tests.support.strategies import MODERATE, answers, chat_requests

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs import sse
from tidegate.codecs.anthropic_messages.answer import decode_answer, encode_answer
from tidegate.codecs.anthropic_messages.decoder import StreamDecoder, load_event
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder
from tidegate.codecs.anthropic_messages.outgoing import encode_request
from tidegate.codecs.anthropic_messages.request import check_request, decode_request
from tidegate.core.errors import ClientMistake, NotSupported
from tidegate.core.events import Event, Start
from tidegate.core.fold import Answer, fold, unfold
from tidegate.core.messages import Message, OpaquePart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest
from tidegate.core.usage import Usage

CONTRACT = contract_named(DEFAULT_PROFILE)
START = Start("m", answer_id="ID-1")


def sayable(message: Message) -> Message:
    """The message without what Messages cannot say: opaque parts of any kind, and arguments that are no JSON."""
    parts: list[Any] = []
    for part in message.parts:
        match part:
            case OpaquePart():
                part = TextPart("picture")
            case ToolCallPart(call_id, name):
                part = ToolCallPart(call_id, name, '{"a":1}')
            case TextPart("") if message.role == "assistant" or len(message.parts) == 1:
                continue
            case _:
                pass
        parts.append(part)
    role = "user" if message.role == "latest_reminder" else message.role
    return Message(role, tuple(parts), call_id=message.call_id)


def expressible(request: ChatRequest) -> ChatRequest:
    tools = tuple(replace(tool, parameters={"type": "object"}, strict=None) for tool in request.tools)
    return ChatRequest(
        model="m",
        messages=tuple(sayable(message) for message in request.messages),
        stream=request.stream,
        thinking=request.thinking,
        effort=request.effort,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=request.stop,
        tools=tools,
        tool_choice=None if request.tool_choice == "required" or not tools else request.tool_choice,
        user_id=request.user_id,
    )


def decoded(body: bytes) -> ChatRequest:
    request = decode_request(body)
    check_request(request, CONTRACT, passback=False)
    return request


@MODERATE
@given(chat_requests().map(expressible))
def test_a_canonical_request_comes_back(request: ChatRequest):
    try:
        assert decoded(encode_request(request)) == request
    except ClientMistake as error:
        # 32 bits hold no top_p as small as hypothesis likes them.
        assert "top_p" in error.message
        assume(False)


@MODERATE
@given(sound_requests())
def test_what_was_decoded_comes_back(fields: dict[str, Any]):
    try:
        request = decoded(orjson.dumps(fields))
        again = encode_request(request)
    except (ClientMistake, NotSupported):
        assume(False)
        raise
    assert decoded(again) == request


def reported(usage: Usage | None) -> Usage | None:
    """What of a usage the format can say: no reasoning, and no cache hit beyond the prompt."""
    if usage is None:
        return None
    hit = None if usage.prompt is not None and (usage.cache_hit or 0) > usage.prompt else usage.cache_hit
    said = Usage(prompt=usage.prompt, output=usage.output, cache_hit=hit)
    return None if said == Usage() else said


def plain(answer: Answer) -> Answer:
    calls = tuple(ToolCallPart(call.call_id, call.name, '{"a":1}') for call in answer.tool_calls)
    finish = "length" if answer.finish == "insufficient_system_resource" else answer.finish
    return Answer(
        start=START,
        text=answer.text,
        reasoning=answer.reasoning,
        tool_calls=calls,
        finish=finish,
        usage=reported(answer.usage),
    )


@MODERATE
@given(answers().map(plain))
def test_a_whole_answer_comes_back(answer: Answer):
    assert decode_answer(orjson.loads(encode_answer(answer, answer_id="ID-1", model="m"))) == answer


@MODERATE
@given(answers().map(plain), st.lists(st.integers(0, 4000), max_size=6))
def test_a_stream_comes_back_wherever_it_is_cut(answer: Answer, cuts: list[int]):
    encoder = MessageEncoder(answer_id="ID-1", model="m")
    wire = b"".join(encoder.encode(event) for event in unfold(answer))
    places = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    framing, decoder = sse.Decoder(), StreamDecoder()
    events: list[Event] = []
    for begin, end in pairwise(places):
        for event in framing.feed(wire[begin:end]):
            events += decoder.decode(load_event(event))
    assert fold(events) == answer
    assert not framing.pending
