"""Laws of masking: what leaves holds no value, what comes back is what stood there, and nobody gets another's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.planted import VALUES, look_for, planted_chats, planted_fims, speech
from tests.support.strategies import MODERATE

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, load_chunk
from tidegate.codecs.anthropic_messages.decoder import StreamDecoder, load_event
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder
from tidegate.codecs.anthropic_messages.outgoing import encode_request as encode_messages
from tidegate.codecs.ollama_chat.request import request_fields as ollama_fields
from tidegate.codecs.openai_chat import chunks as chat_chunks
from tidegate.codecs.openai_chat.request import encode_request as encode_chat
from tidegate.codecs.openai_completions import chunks as fim_chunks
from tidegate.codecs.openai_completions.request import encode_request as encode_fim
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, frame_of
from tidegate.core.fold import Answer, fold
from tidegate.core.messages import ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, Request
from tidegate.privacy.masking.mask import Masked, Veil, mask
from tidegate.privacy.masking.occurrences import occurs
from tidegate.privacy.masking.pseudonyms import Coiner, Vault
from tidegate.privacy.masking.rewriting import rewritten
from tidegate.privacy.masking.unmasking import Unmask, unmasked_frames
from tidegate.privacy.texts.passages import passages, standing

KEY = b"k" * 32


def masked(request: Request, key: bytes = KEY) -> Masked:
    return mask(request, look_for(request), Coiner(key))


def cut(text: str) -> Iterable[str]:
    """At every character; a text that is not there is one event all the same."""
    return text or ("",)


def echo(request: ChatRequest) -> Iterator[Event]:
    """A backend that says again what it was told, one character at a time, in every channel."""
    yield Start("m", answer_id="A")
    said = request.messages[2]
    for part in said.parts:
        match part:
            case ReasoningPart(text):
                yield from map(Reasoning, cut(text))
            case TextPart(text):
                yield from map(Text, cut(text))
            case _:
                pass
    for index, call in enumerate(part for part in said.parts if isinstance(part, ToolCallPart)):
        yield ToolCall(index, call.call_id, call.name, "")
        for character in call.arguments:
            yield ToolCall(index, arguments=character)
    yield Finish("stop", request.stop[0] if request.stop else None)
    yield End()


def restored(events: Iterable[Event], veil: Veil) -> list[Event]:
    unmask = Unmask(veil)
    return [changed for event in events for changed in unmask.take(event)]


def through_chat(events: list[Event]) -> Answer:
    encoder = chat_chunks.ChunkEncoder(answer_id="A", model="m", created=1, fingerprint="f", include_usage=False)
    return _read(b"".join(map(encoder.encode, events)), chat_chunks.ChunkDecoder())


def through_completions(events: list[Event]) -> Answer:
    encoder = fim_chunks.ChunkEncoder(answer_id="A", model="m", created=1, fingerprint="f", include_usage=False)
    return _read(b"".join(map(encoder.encode, events)), fim_chunks.ChunkDecoder())


def _read(body: bytes, decoder: chat_chunks.ChunkDecoder | fim_chunks.ChunkDecoder) -> Answer:
    found: list[Event] = []
    for event in sse.Decoder().feed(body):
        if event.data is not None:
            found += (End(),) if event.data == DONE else decoder.decode(load_chunk(event.data))
    return fold(found)


def through_messages(events: list[Event]) -> Answer:
    encoder = MessageEncoder(answer_id="A", model="m")
    body = b"".join(map(encoder.encode, events))
    decoder = StreamDecoder()
    read = [decoder.decode(load_event(event)) for event in sse.Decoder().feed(body) if event.data is not None]
    return fold(event for events in read for event in events)


def spoken(answer: Answer) -> tuple[str, str, list[object]]:
    return answer.text, answer.reasoning or "", [json.loads(call.arguments) for call in answer.tool_calls]


# What comes back.


@MODERATE
@given(planted_chats())
def test_an_echo_of_what_was_masked_is_what_stood_there(request: ChatRequest):
    done = masked(request)
    whole = fold(echo(request))
    events = restored(echo(done.request), done.veil)
    assert spoken(through_chat(events)) == spoken(whole)
    assert spoken(through_messages(events)) == spoken(whole)
    assert spoken(fold(events)) == spoken(whole)
    assert fold(events).stop == whole.stop


@MODERATE
@given(planted_fims())
def test_a_completion_that_echoes_its_prompt_comes_back(request: FimRequest):
    done = masked(request)
    said = [Start("m"), *map(Text, cut(done.request.prompt)), Finish("stop"), End()]
    assert through_completions(restored(said, done.veil)).text == request.prompt


@MODERATE
@given(planted_chats())
def test_whole_frames_come_back_as_those_in_pieces_do(request: ChatRequest):
    done = masked(request)
    events = list(echo(done.request))
    frames = unmasked_frames([frame_of(*events[:1]), frame_of(), frame_of(*events[1:])], Unmask(done.veil))
    assert fold(event for frame in frames for event in frame.events) == fold(restored(events, done.veil))
    assert all(frame.wire is None for frame in frames)
    assert frames[0].passed.start is not None
    assert frames[-1].passed.ended
    assert frames[-1].passed.finish is not None


@MODERATE
@given(planted_chats())
def test_without_the_stage_pseudonyms_would_reach_the_client(request: ChatRequest):
    """The laws above can fail."""
    done = masked(request)
    assume(spoken(fold(echo(done.request))) != spoken(fold(echo(request))))
    assert spoken(through_chat(list(echo(done.request)))) != spoken(fold(echo(request)))


@MODERATE
@given(speech(), st.data())
def test_nothing_is_held_back_that_cannot_be_a_pseudonym(text: str, data: st.DataObject):
    """After each piece, what is not out yet is the longest ending that may still become one, and nothing more."""
    request = FimRequest(model="m", prompt=f"{text}\n")
    done = masked(request)
    unmask, fed, out = Unmask(done.veil), "", ""
    said = done.request.prompt + data.draw(st.sampled_from(["", "DATA", "DATA_", "E"]))
    for character in said:
        fed += character
        out += "".join(event.text for event in unmask.take(Text(character)) if isinstance(event, Text))
        waiting = max(
            (size for size in range(len(fed) + 1) if any(p.startswith(fed[-size:]) for p in done.veil.pairs if size)),
            default=0,
        )
        if any(fed.endswith(pseudonym) for pseudonym in done.veil.pairs):
            waiting = 0
        settled = fed[: len(fed) - waiting]
        for pseudonym, value in done.veil.pairs.items():
            settled = settled.replace(pseudonym, value)
        assert out == settled


# What leaves.


def bodies(request: Request) -> Iterator[bytes]:
    """The request in every codec that a backend is asked in, and with all that JSON lets one escape."""
    if isinstance(request, FimRequest):
        yield encode_fim(request)
        return
    yield encode_chat(request)
    yield encode_messages(request)
    fields = ollama_fields(request)
    yield orjson.dumps(fields)
    yield json.dumps(fields).replace("/", "\\/").encode()
    yield json.dumps(json.dumps(fields)).encode()


@MODERATE
@given(planted_chats() | planted_fims())
def test_what_leaves_holds_no_value_in_any_spelling(request: Request):
    done = masked(request)
    for body in bodies(done.request):
        assert not done.veil.holds(body)
        assert not any(json.dumps(value)[1:-1].encode() in body for value in VALUES if len(value) >= 8)
    if done.veil:
        for body in bodies(request):
            # user_id and names have no place in every codec.
            shown = any(occurs(text, VALUES) for place, text, _ in passages(request) if place.member not in ("name",))
            assert done.veil.holds(body) or place_less(request) or not shown


def place_less(request: Request) -> bool:
    """Whether the only values are where some codec has no place."""
    bare = replace(request, user_id=None) if isinstance(request, ChatRequest) else request
    if isinstance(bare, ChatRequest):
        bare = replace(bare, messages=tuple(replace(message, name=None) for message in bare.messages))
    return not any(occurs(text, VALUES) for _, text, _ in passages(bare))


@MODERATE
@given(planted_chats() | planted_fims(), st.data())
def test_one_place_that_was_forgotten_is_seen_in_the_body(request: Request, data: st.DataObject):
    """Each place in turn is put back as it was: the last look finds it."""
    done = masked(request)
    codec = encode_fim if isinstance(request, FimRequest) else encode_chat
    texts = {place: text for place, text, _ in standing(request)}
    changed = [place for place, text, _ in standing(done.request) if text != texts[place]]
    assume(changed)
    forgotten = data.draw(st.sampled_from(changed))
    leaky = rewritten(done.request, lambda place, text: texts[place] if place == forgotten else text)
    assert done.veil.holds(codec(leaky))  # type: ignore[arg-type]


@MODERATE
@given(planted_chats() | planted_fims())
def test_a_rewriting_meets_exactly_what_is_maskable(request: Request):
    met: list[object] = []
    assert rewritten(request, lambda place, text: (met.append((place, text)), text)[1]) == request
    maskable = [(place, text) for place, text, allowed in standing(request) if allowed]
    assert sorted(met, key=str) == sorted(maskable, key=str)
    assert len({place for place, _, _ in passages(request)}) == len(passages(request))


# Whose is whose.


@MODERATE
@given(planted_chats(), st.binary(min_size=1), st.binary(min_size=1))
def test_two_conversations_share_no_pseudonym(request: ChatRequest, one: bytes, other: bytes):
    assume(one != other)
    serial = iter(range(100))
    vault = Vault(lambda size: next(serial).to_bytes(size), mask_s=10)
    first = mask(request, look_for(request), vault.coiner(one, 0)).veil
    second = mask(request, look_for(request), vault.coiner(other, 0)).veil
    again = mask(request, look_for(request), vault.coiner(one, 9)).veil
    assert first.pairs == again.pairs
    assert sorted(first.pairs.values()) == sorted(second.pairs.values())
    assert first.pairs.keys().isdisjoint(second.pairs)


@MODERATE
@given(planted_chats())
def test_a_pseudonym_that_was_sent_in_is_never_restored(request: ChatRequest):
    """Neither another's nor one's own: what stands in the request already is not coined."""
    foreign = masked(request, b"o" * 32).veil.pairs
    own = masked(request).veil.pairs
    injected = " ".join([*foreign, *own])
    asking = replace(request, messages=(*request.messages, replace(request.messages[-1], parts=(TextPart(injected),))))
    done = masked(asking)
    assert done.veil.pairs.keys().isdisjoint([*foreign, *own])
    said = [Start("m"), *map(Text, cut(injected)), Finish("stop"), End()]
    assert fold(restored(said, done.veil)).text == injected
    if own:
        # That the check can fail: with the pairs of the request before, it would be restored.
        assert fold(restored(said, masked(request).veil)).text != injected


def test_what_is_planted_is_there_to_be_found():
    assert all(occurs(f"a {value} b", (value,)) for value in VALUES)
    assert not occurs("adagio", ("ada",))
    with pytest.raises(StopIteration):
        next(iter(look_for(FimRequest(model="m", prompt="adagio"))))
