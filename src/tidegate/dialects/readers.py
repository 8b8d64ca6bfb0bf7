"""Off the wire: the bytes of one answer to frames, streamed or whole. Pure; knows no runtime and no request.

A `Wire` is what the reading of an answer needs of its codec. Where the bytes may pass as they came, a frame that carries
only content is decoded only if a surface of another codec asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, carries_only_content, load_answer, load_chunk
from tidegate.codecs.anthropic_messages import answer as messages_answer
from tidegate.codecs.anthropic_messages.decoder import StreamDecoder as MessagesStreamDecoder
from tidegate.codecs.openai_chat import answer as chat_answer
from tidegate.codecs.openai_chat.chunks import ChunkDecoder as ChatChunkDecoder
from tidegate.codecs.openai_completions import answer as fim_answer
from tidegate.codecs.openai_completions.chunks import ChunkDecoder as FimChunkDecoder
from tidegate.core.errors import BrokenContract, GatewayError
from tidegate.core.events import End, Event, Frame, Milestones, frame_of, milestones
from tidegate.core.fold import Answer, OrderCheck, unfold
from tidegate.core.rulebook import Rule
from tidegate.dialects.errors import error_object

ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
"""More than 393,216 output tokens, the contract's most, can fill."""

Fields = dict[str, Any]
AnswerQuirk = tuple[Rule, Callable[[Fields], bool]]


ReadError = Callable[[int, bytes], GatewayError]
"""Status and body of an error to what it means."""


def no_status(_status: int, _body: bytes) -> GatewayError:
    return BrokenContract("the backend reported an error inside its stream")


class Framing(Protocol):
    """Bytes in any pieces to whole events of the wire."""

    def feed(self, piece: bytes) -> list[sse.ServerEvent]: ...


class Stage(Protocol):
    """Changes the events of one answer into the contract's while they pass: made anew for each answer.

    It sees each event once and in order, and may hold text back until it knows what it is; with `Finish` it gives out
    what it held, before the finish.
    """

    @property
    def quirks(self) -> Sequence[str]:
        """Codes applied so far."""
        ...

    def take(self, event: Event) -> Iterable[Event]: ...


class Chunks(Protocol):
    """Chunks of one answer to events."""

    def decode(self, fields: Fields, /) -> tuple[Event, ...]: ...


@dataclass(frozen=True, slots=True)
class Wire:
    """How answers of one codec are read.

    `content` decodes a chunk that `carries_only_content`, whenever it is asked for; None where bytes do not tell which
    do, and where no `[DONE]` ends the stream.
    """

    codec: str
    chunks: Callable[[], Chunks]
    answer: Callable[[Fields], Answer]
    milestones: Callable[[Fields], Milestones]
    content: Callable[[Any, Fields], tuple[Event, ...]] | None = None
    framing: Callable[[], Framing] = sse.Decoder


CHAT = Wire(
    "openai_chat",
    ChatChunkDecoder,
    chat_answer.decode_answer,
    chat_answer.answer_milestones,
    ChatChunkDecoder.decode_content,
)
FIM = Wire(
    "openai_completions",
    FimChunkDecoder,
    fim_answer.decode_answer,
    fim_answer.answer_milestones,
    FimChunkDecoder.decode_content,
)
MESSAGES = Wire(
    "anthropic_messages",
    MessagesStreamDecoder,
    messages_answer.decode_answer,
    lambda fields: milestones(tuple(unfold(messages_answer.decode_answer(fields)))),
)


class StreamReader:
    """Bytes of one streamed answer to frames. Knows at the end whether the stream ended as it must.

    `cut_short`: a stage ended the answer while the server goes on.
    """

    def __init__(
        self,
        wire: Wire,
        on_chunk: Sequence[AnswerQuirk],
        stages: Sequence[Stage] = (),
        *,
        passes: bool,
        read_error: ReadError = no_status,
    ) -> None:
        """An answer that passes as it came has no stages. `read_error` reads what the server reports once its 200 is out."""
        self._read_error = read_error
        self._passes = passes
        self._on_chunk = on_chunk
        self._stages = stages
        self._content = wire.content
        self._framing = wire.framing()
        self._decoder = wire.chunks()
        self._order = OrderCheck()
        self._quirks: list[str] = []
        self.cut_short = False

    @property
    def quirks(self) -> list[str]:
        return _applied(self._quirks, self._stages)

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames in this piece. What comes behind the end is not looked at: how the network cut it must not matter."""
        frames: list[Frame] = []
        for event in self._framing.feed(piece):
            if self._order.ended:
                break
            if (frame := self._frame(event)) is not None:
                frames.append(frame)
        return frames

    def close(self) -> list[Frame]:
        if not self._order.ended:
            raise BrokenContract("the backend's stream broke off before its end")
        return []

    def _frame(self, event: sse.ServerEvent) -> Frame | None:
        wire = event.wire if self._passes else None
        if event.data is None:
            # A comment keeps connections alive. Before the answer begins it is not passed on: that would commit us to
            # this backend while another could still be asked.
            return Frame(wire, tuple) if wire is not None and self._order.in_content else None
        if event.event == b"error":
            raise self._reported(event.data)
        if (
            wire is not None
            and self._content is not None
            and self._order.in_content
            and carries_only_content(event.data)
        ):
            # Decoded only if a surface of another codec asks; their order is free (FOLLOWS).
            return Frame(wire, partial(self._decode_content, self._content, event.data))
        if self._content is not None and event.data == DONE:
            decoded: tuple[Event, ...] = (End(),)
        else:
            decoded = self._decode(event.data)
        events = staged(decoded, self._stages)
        for each in events:
            self._order.accept(each)
        self.cut_short = self._order.ended and not any(isinstance(each, End) for each in decoded)
        if not events and (wire is None or not self._order.begun):
            return None  # nothing to pass on, and no reason to commit to this backend yet
        return Frame(wire, lambda: events, milestones(events))

    def _decode_content(self, content: Callable[[Any, Fields], tuple[Event, ...]], data: bytes) -> tuple[Event, ...]:
        return content(self._decoder, load_chunk(data))

    def _reported(self, data: bytes) -> GatewayError:
        """Some servers find out what is wrong with a request when they have agreed to it, and say the status in the error:
        that is no fault of theirs (vLLM and SGLang put it into `code`, as in error bodies)."""
        status = error_object(data).get("code")
        if isinstance(status, int) and 400 <= status < 600:
            return self._read_error(status, data)
        return no_status(0, data)

    def _decode(self, data: bytes) -> tuple[Event, ...]:
        chunk = load_chunk(data)
        if "error" in chunk:
            raise self._reported(data)
        for rule, apply in self._on_chunk:
            if apply(chunk) and rule.code not in self._quirks:
                self._quirks.append(rule.code)
        return self._decoder.decode(chunk)


def staged(events: tuple[Event, ...], stages: Sequence[Stage]) -> tuple[Event, ...]:
    """The events behind all stages, in their order."""
    for stage in stages:
        events = tuple(changed for event in events for changed in stage.take(event))
    return events


def _applied(quirks: list[str], stages: Sequence[Stage]) -> list[str]:
    return [*quirks, *(code for stage in stages for code in stage.quirks)]


class AnswerReader:
    """Bytes of one unstreamed answer to a single frame."""

    cut_short = False

    def __init__(
        self, wire: Wire, on_chunk: Sequence[AnswerQuirk], stages: Sequence[Stage] = (), *, passes: bool
    ) -> None:
        self._wire = wire
        self._on_chunk = on_chunk
        self._stages = stages
        self._passes = passes
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._quirks: list[str] = []

    @property
    def quirks(self) -> list[str]:
        return _applied(self._quirks, self._stages)

    def feed(self, piece: bytes) -> list[Frame]:
        self._size_bytes += len(piece)
        if self._size_bytes > ANSWER_LIMIT_BYTES:
            raise BrokenContract(f"the backend's answer is larger than {ANSWER_LIMIT_BYTES} bytes")
        self._pieces.append(piece)
        return []

    def close(self) -> list[Frame]:
        body = b"".join(self._pieces).lstrip()
        fields = load_answer(body)
        for rule, apply in self._on_chunk:
            if apply(fields) and rule.code not in self._quirks:
                self._quirks.append(rule.code)
        if self._passes:
            return [Frame(body, lambda: tuple(unfold(self._wire.answer(fields))), self._wire.milestones(fields))]
        # What must be encoded anew is decoded now, while another backend can still be asked.
        return [frame_of(*staged(tuple(unfold(self._wire.answer(fields))), self._stages))]
