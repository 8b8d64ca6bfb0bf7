"""What a dialect is: one runtime's way of speaking, as numbered quirks around the chat-completions codec. Pure.

A quirk on the way out changes the request's JSON, a quirk on the way back changes a chunk's or answer's JSON into the
contract's; each reports whether it applied. A dialect without quirks on the way back is transparent: its frames keep
their bytes and only those that carry finish or usage are decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidegate.codecs import sse
from tidegate.codecs.openai_chat.answer import answer_milestones, decode_answer, load_answer
from tidegate.codecs.openai_chat.chunks import DONE, ChunkDecoder, carries_only_content, load_chunk
from tidegate.codecs.openai_chat.request import dump_fields, request_fields
from tidegate.core.errors import BrokenContract, GatewayError
from tidegate.core.events import End, Event, Frame, frame_of, milestones
from tidegate.core.fold import OrderCheck, unfold
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule, Rulebook

COMMON = Rulebook("REQ", "Every request")

EXTRAS = COMMON.rule(
    "REQ001",
    "fields outside the contract are not passed on",
    why="The hosted API ignores them, and elsewhere a field such as `fallbacks` or `api_base` could change where a "
    "prompt goes.",
    source="DeepSeek create-chat-completion reference, 2026-08-27; BerriAI/litellm 1.109.1, run with a client-sent "
    "`fallbacks`, 2026-11-22",
    checked="2026-11-22",
)

PENALTIES = COMMON.rule(
    "REQ002",
    "frequency_penalty and presence_penalty are not passed to local runtimes",
    why="The contract deprecates them and gives them no effect; a local runtime would apply them and answer otherwise.",
    source="DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-22",
)

USER_ID = COMMON.rule(
    "REQ003",
    "user_id is not passed to local runtimes",
    why="It isolates caches and moderation of the hosted API; a local runtime has no use for it, some refuse it.",
    source="DeepSeek rate-limit reference, 2026-08-02; transformers serve 5.19 answers 422 to unknown fields, 2026-11-22",
    checked="2026-11-22",
)

USAGE = COMMON.rule(
    "REQ004",
    "usage is asked for explicitly and moved onto the last content chunk",
    why="The hosted API always sends usage on the chunk with the finish reason; OpenAI-compatible servers send it only "
    "when asked, in a chunk of its own without choices.",
    source="DeepSeek create-chat-completion reference, 2026-08-27; llama.cpp b11549 and vLLM 0.32.0, run 2026-11-22",
    checked="2026-11-22",
)

ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
"""More than 393,216 output tokens, the contract's most, can fill."""

Fields = dict[str, Any]
RequestQuirk = tuple[Rule, Callable[[ChatRequest, Fields], bool]]
AnswerQuirk = tuple[Rule, Callable[[Fields], bool]]


def drop_penalties(_request: ChatRequest, fields: Fields) -> bool:
    dropped = [fields.pop(name, None) for name in ("frequency_penalty", "presence_penalty")]
    return dropped != [None, None]


def drop_user_id(_request: ChatRequest, fields: Fields) -> bool:
    return fields.pop("user_id", None) is not None


def ask_for_usage(request: ChatRequest, fields: Fields) -> bool:
    if fields.get("stream"):
        fields["stream_options"] = {"include_usage": True}
    return bool(fields.get("stream")) and not request.include_usage


FOR_LOCAL_RUNTIMES: tuple[RequestQuirk, ...] = (
    (PENALTIES, drop_penalties),
    (USER_ID, drop_user_id),
    (USAGE, ask_for_usage),
)


class Encoded(Struct, frozen=True, gc=False):
    """A request ready for the wire: its body, the quirks applied, and whether the answer comes as a stream."""

    body: bytes
    quirks: tuple[str, ...]
    streamed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One runtime's speech. Quirks run in their order; `on_chunk` sees each chunk of a stream or the whole answer."""

    name: str
    title: str
    rules: Rulebook
    read_error: Callable[[int, bytes], GatewayError]
    chat_path: str = "/v1/chat/completions"
    models_path: str = "/v1/models"
    on_request: tuple[RequestQuirk, ...] = ()
    on_chunk: tuple[AnswerQuirk, ...] = ()
    always_streams: bool = False
    transparent: bool = False

    def encode(self, request: ChatRequest, model: str) -> Encoded:
        applied: list[str] = []
        if request.extras:
            applied.append(EXTRAS.code)
            request = replace(request, extras={})
        fields = request_fields(request)
        fields["model"] = model
        streamed = request.stream or self.always_streams
        if streamed:
            fields["stream"] = True
        for rule, apply in self.on_request:
            if apply(request, fields):
                applied.append(rule.code)
        return Encoded(dump_fields(fields), tuple(applied), streamed)

    def reader(self, *, asked_stream: bool, got_stream: bool) -> StreamReader | AnswerReader:
        """A server may ignore `stream` and answer whole; then the bytes cannot pass as they are."""
        if got_stream:
            return StreamReader(self)
        return AnswerReader(self, passes=self.transparent and not asked_stream)


class StreamReader:
    """Bytes of one streamed answer to frames. Knows at the end whether the stream ended as it must."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._sse = sse.Decoder()
        self._decoder = ChunkDecoder()
        self._order = OrderCheck()
        self.quirks: list[str] = []

    def feed(self, piece: bytes) -> list[Frame]:
        return [frame for event in self._sse.feed(piece) if (frame := self._frame(event)) is not None]

    def close(self) -> list[Frame]:
        if not self._order.ended:
            raise BrokenContract("the backend's stream broke off before its end")
        return []

    def _frame(self, event: sse.ServerEvent) -> Frame | None:
        wire = event.wire if self._dialect.transparent else None
        if event.data is None:
            # A comment keeps connections alive. Before the answer begins it is not passed on: that would commit us to
            # this backend while another could still be asked.
            return Frame(wire, tuple) if wire is not None and self._order.in_content else None
        if self._order.ended:
            raise BrokenContract("the backend's stream goes on after its end")
        if event.event == b"error":
            raise BrokenContract("the backend reported an error inside its stream")
        if wire is not None and self._order.in_content and carries_only_content(event.data):
            # Decoded only if a surface of another codec asks; their order is free (FOLLOWS).
            return Frame(wire, partial(self._decode_content, event.data))
        if event.data == DONE:
            events: tuple[Event, ...] = (End(),)
        else:
            events = self._decode(event.data)
        for each in events:
            self._order.accept(each)
        return Frame(wire, lambda: events, milestones(events))

    def _decode_content(self, data: bytes) -> tuple[Event, ...]:
        return self._decoder.decode_content(load_chunk(data))

    def _decode(self, data: bytes) -> tuple[Event, ...]:
        chunk = load_chunk(data)
        for rule, apply in self._dialect.on_chunk:
            if apply(chunk) and rule.code not in self.quirks:
                self.quirks.append(rule.code)
        return self._decoder.decode(chunk)


class AnswerReader:
    """Bytes of one unstreamed answer to a single frame."""

    def __init__(self, dialect: Dialect, *, passes: bool) -> None:
        self._dialect = dialect
        self._passes = passes
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self.quirks: list[str] = []

    def feed(self, piece: bytes) -> list[Frame]:
        self._size_bytes += len(piece)
        if self._size_bytes > ANSWER_LIMIT_BYTES:
            raise BrokenContract(f"the backend's answer is larger than {ANSWER_LIMIT_BYTES} bytes")
        self._pieces.append(piece)
        return []

    def close(self) -> list[Frame]:
        body = b"".join(self._pieces).lstrip()
        fields = load_answer(body)
        for rule, apply in self._dialect.on_chunk:
            if apply(fields) and rule.code not in self.quirks:
                self.quirks.append(rule.code)
        if self._passes:
            return [Frame(body, lambda: tuple(unfold(decode_answer(fields))), answer_milestones(fields))]
        # What must be encoded anew is decoded now, while another backend can still be asked.
        return [frame_of(*unfold(decode_answer(fields)))]
