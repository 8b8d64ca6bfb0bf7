"""Content that the operator asked to keep: the request as the client sent it and the whole answer, handed to a store.

Decides what may be kept, before anything of the answer is decoded and again at its end; the store decides once more
(`privacy/keeping/kept.py`). Never private, masked, held at home or a shadow, whatever is configured. Knows no file, no key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from tidegate.core.boundary import DataClass
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer
from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, Request
from tidegate.pipeline.hearing import Keeper
from tidegate.privacy.keeping.kept import Content
from tidegate.routing.rules import LOCAL

_KINDS: dict[type[Part], str] = {
    TextPart: "text",
    ReasoningPart: "reasoning",
    ToolCallPart: "tool_call",
    OpaquePart: "other",
}
_INNER = ("messages", "slips", "mistake", "codec")
"""Of a request: shown by their own means, or of no interest to a reader."""


class Capture:
    """No classes: nothing is kept."""

    def __init__(self, classes: frozenset[DataClass], put: Callable[[Content], None]) -> None:
        self._classes = classes
        self._put = put

    def keeper(self, exchange: Exchange, request: Request) -> Keeper | None:
        """Who keeps the answer to this request; None when nothing of it may be kept, so that nobody listens."""
        if not self._classes or not may_keep(exchange, self._classes):
            return None
        return partial(self._keep, request)

    def _keep(self, request: Request, exchange: Exchange, answer: Answer) -> None:
        """`answer` is what the client read: unmasked, so nothing of a masked exchange comes here."""
        if not may_keep(exchange, self._classes):
            return  # its class was raised meanwhile
        data_class = highest_class(exchange)
        named = {"exchange": exchange.exchange_id, "class": data_class.value, "backend": exchange.backend}
        request = replace(request, model=exchange.asked_model)  # routing may have put another one in its place
        body = partial(content_of, named, request, answer)
        size = exchange.request_bytes + len(answer.text) + len(answer.reasoning or "")
        size += sum(len(call.arguments) for call in answer.tool_calls)
        self._put(
            Content(exchange.exchange_id, data_class, exchange.action, exchange.shadow_of is not None, size, body)
        )


NO_CAPTURE = Capture(frozenset(), lambda _content: None)


def highest_class(exchange: Exchange) -> DataClass:
    """Of all that anything said of this exchange. Who asked for the model `local` was promised that nothing leaves."""
    if exchange.data_class is None or LOCAL.code in exchange.rules:
        return DataClass.PRIVATE
    said = (exchange.sent_class, exchange.wished_class, *(send.data_class for send in exchange.sends))
    highest = exchange.data_class
    for one in said:
        highest = highest if one is None else highest.raised_to(one)
    return highest


def may_keep(exchange: Exchange, classes: frozenset[DataClass]) -> bool:
    if exchange.shadow_of is not None or exchange.action not in (None, "allow"):
        return False
    if any(send.masked for send in exchange.sends):
        return False
    highest = highest_class(exchange)
    return highest in classes and highest is not DataClass.PRIVATE


def content_of(named: dict[str, str | None], request: Request, answer: Answer) -> bytes:
    """One JSON document: what a person reads later. Called by the store's thread."""
    asked: dict[str, Any] = {}
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if name not in _INNER and value not in (None, (), {}):
            asked[name] = value
    if isinstance(request, ChatRequest):
        asked["messages"] = [_message(turn) for turn in request.messages]
    answered: dict[str, Any] = {
        "model": answer.start.model,
        "text": answer.text,
        "reasoning": answer.reasoning,
        "tool_calls": answer.tool_calls,
        "finish": answer.finish,
    }
    return orjson.dumps(msgspec.to_builtins({**named, "request": asked, "answer": answered}))


def _message(turn: Message) -> dict[str, Any]:
    named = {name: value for name in ("name", "call_id", "prefix") if (value := getattr(turn, name))}
    parts = [{"kind": _KINDS[type(part)]} | msgspec.to_builtins(part) for part in turn.parts]
    return {"role": turn.role, "parts": parts, **named}
