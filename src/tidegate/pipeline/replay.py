"""Reasoning that a client dropped, put back as it was answered: a bounded memory between gateway and backends.

The contract wants the reasoning of all earlier turns while tools are sent (VAL035), so answers to thinking requests with
tools are remembered, whichever backend gave them. Turns from before a conversation had tools are not: remembering every
thinking answer would decode every stream, and the hosted API never saw their reasoning as history anyway.

Holds private content, so: in this process only, never written, logged or shown; found only by the same client for the
same turn; put back only where its data class may go. Knows no clock and invents nothing: what is not there stays away.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

import orjson
from msgspec.structs import replace

from tidegate.core.boundary import HIGHEST_CLASS, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, Request
from tidegate.pipeline.hearing import LONGEST_HEARD, Keeper
from tidegate.routing.rules import LOCAL

R = TypeVar("R", bound=Request)

_ENTRY_BYTES = 250
"""What an entry costs beside its text: key, objects and table (224 bytes in CPython 3.11, measured 2026-11-24)."""
_MOST_ENTRIES = 50_000
_CHANCE_ID = re.compile(
    r"call_\d\d_[0-9A-Za-z]{20,24}"  # the hosted API's
    r"|chatcmpl-tool-[0-9a-f]{16,32}"  # vLLM's
    r"|call_[0-9A-Za-z]{24}"  # OpenAI's
    r"|toolu_[0-9A-Za-z]{16,40}"  # Anthropic's
    r"|[0-9A-Za-z]{32}"  # llama.cpp's
)
"""Call ids that are drawn by lot. All others may repeat: some count from 0, some are made of the function's name."""


class _Unwritable(Exception):
    """A message that cannot be written as JSON."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`data_class` is that of all that the model had seen when it thought this; `left_class` once that is masked."""

    reasoning: bytes = field(repr=False)
    data_class: DataClass
    left_class: DataClass


class ReasoningMemory:
    """Least recently used turns are forgotten first. A limit of 0 switches it off."""

    def __init__(self, limit_bytes: int, *, key: bytes) -> None:
        """`key` makes the digests of turns worthless outside this process: up to 64 bytes of chance."""
        self._limit_bytes = limit_bytes
        self._key = key
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put_back(
        self, client: str | None, request: R, view: BackendView, *, masked: bool = False
    ) -> tuple[R, DataClass | None]:
        """The request with what this backend may be reminded of, and the highest class of that; None: of nothing.

        `masked`: pseudonyms will be put into all of it before it is sent."""
        if not self._entries or not isinstance(request, ChatRequest) or not wants_reasoning(request):
            return request, None
        messages, highest = list(request.messages), None
        missing = [at for at, turn in enumerate(messages) if turn.role == "assistant" and not turn.has_reasoning]
        for position, digest in self._digests(client, request.user_id, messages, missing):
            entry = self._find(digest)
            if entry is None:
                continue
            data_class = entry.left_class if masked else entry.data_class
            if may_go(data_class, view):
                turn = messages[position]
                thought = ReasoningPart(entry.reasoning.decode())
                messages[position] = replace(turn, parts=(thought, *turn.parts))
                highest = data_class if highest is None else highest.raised_to(data_class)
        return (request, None) if highest is None else (replace(request, messages=tuple(messages)), highest)

    def most_put_back_bytes(self, request: Request) -> int:
        """No fewer than what `put_back` can add, without looking for it."""
        if not self._entries or not isinstance(request, ChatRequest) or not wants_reasoning(request):
            return 0
        missing = [turn for turn in request.messages if turn.role == "assistant" and not turn.has_reasoning]
        return min(self.held_bytes, len(missing) * LONGEST_HEARD) if missing else 0

    def keeper(self, request: Request) -> Keeper | None:
        """Who keeps the answer to this request; None when it need not be remembered."""
        if not self._limit_bytes or not isinstance(request, ChatRequest) or not wants_reasoning(request):
            return None
        return partial(self._keep_answer, request)

    def _keep_answer(self, request: ChatRequest, exchange: Exchange, answer: Answer) -> None:
        if exchange.sent_class is None:
            return
        parts = (ReasoningPart(answer.reasoning or ""), TextPart(answer.text), *answer.tool_calls)
        sent_masked = bool(exchange.sends) and exchange.sends[-1].masked
        # Who asked for the model `local` was promised that nothing leaves, whatever its class; and what a masked request
        # was answered holds the real values again.
        data_class = DataClass.PRIVATE if LOCAL.code in exchange.rules or sent_masked else exchange.sent_class
        left_class = exchange.sent_class if sent_masked else data_class
        self.keep(exchange.client, request, Message("assistant", parts), data_class, left_class)

    def keep(
        self,
        client: str | None,
        request: ChatRequest,
        turn: Message,
        data_class: DataClass,
        left_class: DataClass | None = None,
    ) -> None:
        """Remember the reasoning of this turn, the answer to this request. `left_class`: its class once it is masked."""
        reasoning = b"".join(part.text.encode() for part in turn.parts if isinstance(part, ReasoningPart))
        if not reasoning:
            return
        answered = [*request.messages, turn]
        for _position, digest in self._digests(client, request.user_id, answered, [len(request.messages)]):
            self._forget(digest)
            self._entries[digest] = _Entry(reasoning, data_class, left_class or data_class)
            self.held_bytes += len(reasoning) + _ENTRY_BYTES
        self._trim()

    def adjust(self, limit_bytes: int) -> None:
        """Another limit from now on."""
        self._limit_bytes = limit_bytes
        self._trim()

    def _trim(self) -> None:
        while self.held_bytes > self._limit_bytes or len(self._entries) > _MOST_ENTRIES:
            self._forget(next(iter(self._entries)))

    def _find(self, digest: bytes) -> _Entry | None:
        entry = self._entries.get(digest)
        if entry is not None:
            self._entries.move_to_end(digest)
        return entry

    def _forget(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is not None:
            self.held_bytes -= len(entry.reasoning) + _ENTRY_BYTES

    def _digests(
        self, client: str | None, user_id: str | None, messages: list[Message], wanted: Iterable[int]
    ) -> Iterator[tuple[int, bytes]]:
        """Keys of the turns at these ascending positions.

        The same words in two conversations are two turns: a greeting is answered alike everywhere, but what was thought
        may speak of what else was said there. So a turn is known by all that came before it too, unless a call id tells
        it from all others; then it is found again although the client cut or edited its history.
        """
        seen, history = 0, self._digest([client, user_id, "history"])
        for position in wanted:
            turn = messages[position]
            try:
                if any(isinstance(part, ToolCallPart) and _is_by_chance(part) for part in turn.parts):
                    digest = self._digest([client, user_id, "calls"])
                else:
                    for before in messages[seen:position]:
                        history.update(_line(_identity(before)))
                    seen, digest = position, history.copy()
                digest.update(_line(_identity(turn)))
            except _Unwritable:
                return
            yield position, digest.digest()

    def _digest(self, scope: list[str | None]) -> blake2b:
        return blake2b(_line(scope), key=self._key, digest_size=32)


NO_MEMORY = ReasoningMemory(0, key=b"")


def _is_by_chance(call: ToolCallPart) -> bool:
    return _CHANCE_ID.fullmatch(call.call_id) is not None and call.name not in call.call_id


def wants_reasoning(request: ChatRequest) -> bool:
    """Whether the contract has the reasoning of earlier turns sent with this request."""
    return request.thinks and bool(request.tools)


def may_go(data_class: DataClass, view: BackendView) -> bool:
    """The wall for what is remembered: may content of this class go to this backend?"""
    return data_class.rank <= min(HIGHEST_CLASS[view.boundary].rank, view.accepts.rank)


def _identity(message: Message) -> list[Any]:
    """A message but for its reasoning, as far as clients keep it: they trim an answer and write arguments anew."""
    if message.role != "assistant":
        return [message.role, message.call_id, *map(_content, message.parts)]
    text = "".join(part.text for part in message.parts if isinstance(part, TextPart)).strip()
    calls = [[part.call_id, part.name, _arguments(part)] for part in message.parts if isinstance(part, ToolCallPart)]
    others = [part.value for part in message.parts if isinstance(part, OpaquePart)]
    return ["assistant", text, calls, others]


def _content(part: object) -> object:
    match part:
        case TextPart(text):
            return text
        case OpaquePart(value):
            return value
        case _:
            return None


def _arguments(call: ToolCallPart) -> object:
    try:
        return orjson.loads(call.arguments) if call.arguments.strip() else {}
    except orjson.JSONDecodeError:
        return call.arguments


def _line(value: object) -> bytes:
    """One line of JSON, so that what follows cannot be taken for its part."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Deeper than orjson writes, or with a lone surrogate: such a request cannot be sent on either.
        raise _Unwritable from None
