"""Which conversations were private: a memory of keyed digests, so that a later turn of one stays private too.

A chat request carries no name of its conversation, so it is known by what it brings back: its opening (all up to the first
answer), and whatever longer text was part of a private request or answered to one, wherever it turns up again. System
texts do not count, all conversations of a program share them. A client may also name a conversation with the header
x-tidegate-conversation. Only ever raises a class: the same words in two conversations make both private.
Holds and gives out digests only; knows no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import orjson

from tidegate.core.messages import Message, OpaquePart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, Request

_MOST_MARKS = 200_000
"""The least recently seen are forgotten beyond this: about 40 MB."""
_SHORTEST_ANSWER = 16
_SHORTEST_QUESTION = 64
"""Characters of an answer, and of what was asked, from which on it is known again: "Yes." and "Please go on" are said
everywhere."""
BEGINNING = 64
"""Characters by which an answer is known that was cut off somewhere."""


class Conversations:
    """`key` makes the digests worthless without it; the same key after a restart knows the conversations again."""

    def __init__(self, key: bytes, sticky_s: float) -> None:
        self._key = key
        self._sticky_s = sticky_s
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    @property
    def on(self) -> bool:
        return self._sticky_s > 0

    def adjust(self, sticky_s: float) -> None:
        """Another time from now on. What is remembered stays for the time that it was remembered for."""
        self._sticky_s = sticky_s

    def marks(self, client: str | None, name: str | None, request: Request) -> tuple[str, ...]:
        """By what a private request and later ones of its conversation are known."""
        return tuple(dict.fromkeys(self._marks(client, name, request, _SHORTEST_QUESTION)))

    def answer_marks(self, client: str | None, request: Request, answer: Message) -> tuple[str, ...]:
        """By what the answer to a private request will be known when it comes back."""
        if not isinstance(request, ChatRequest):
            return ()
        opening = () if _first_answer(request) else (self._opening(client, (*request.messages, answer)),)
        return (*opening, *self._said(client, answer, _SHORTEST_ANSWER))

    def was_private(self, client: str | None, name: str | None, request: Request, now_s: float) -> bool:
        if not self._until:
            return False
        return any([self._is_marked(mark, now_s) for mark in self._marks(client, name, request, _SHORTEST_ANSWER)])

    def remember(self, marks: Iterable[str], now_s: float) -> None:
        """A private request with these marks was seen at `now_s` (unix seconds)."""
        if not self.on:
            return
        for mark in marks:
            self._until[mark] = max(now_s + self._sticky_s, self._until.get(mark, 0.0))
            self._until.move_to_end(mark)
        while self._until and (len(self._until) > _MOST_MARKS or next(iter(self._until.values())) <= now_s):
            self._until.popitem(last=False)  # the least recent also ends first

    def _is_marked(self, mark: str, now_s: float) -> bool:
        until = self._until.get(mark)
        if until is None:
            return False
        if until <= now_s:
            del self._until[mark]
            return False
        return True

    def _marks(self, client: str | None, name: str | None, request: Request, shortest: int) -> Iterator[str]:
        if name is not None:
            yield self._digest(["name", client, name])
        if not isinstance(request, ChatRequest):
            return
        if answered := _first_answer(request):
            yield self._opening(client, request.messages[:answered])
        for message in request.messages:
            if message.role != "system":
                yield from self._said(client, message, _SHORTEST_ANSWER if message.role == "assistant" else shortest)

    def _opening(self, client: str | None, messages: Iterable[Message]) -> str:
        return self._digest(["opening", client, *(_plain(message) for message in messages)])

    def _said(self, client: str | None, message: Message, shortest: int) -> Iterator[str]:
        text = _text(message)
        if len(text) >= shortest:
            yield self._digest(["said", client, text])
        if message.role == "assistant" and len(text) > BEGINNING:
            yield self._digest(["begun", client, text[:BEGINNING]])
        for part in message.parts:
            if isinstance(part, ToolCallPart) and len(part.arguments) >= shortest:
                yield self._digest(["called", client, part.name, part.arguments])

    def _digest(self, value: list[object]) -> str:
        try:
            line = orjson.dumps(value)
        except TypeError:  # a lone surrogate, or deeper than orjson writes
            line = repr(value).encode("utf-8", "backslashreplace")
        return blake2b(line, key=self._key, digest_size=16).hexdigest()


def opening_of(request: Request) -> bytes:
    """What a conversation keeps from its first turn to its last: the system's words and the first user's."""
    if not isinstance(request, ChatRequest):
        return b""
    said: list[object] = []
    for message in request.messages:
        said.append(_plain(message))
        if message.role == "user":
            break
    return repr(said).encode("utf-8", "backslashreplace")


def _first_answer(request: ChatRequest) -> int:
    """How many messages the first answer ends; 0: there is none yet."""
    return next((at for at, message in enumerate(request.messages, start=1) if message.role == "assistant"), 0)


def _text(message: Message) -> str:
    return "".join([part.text for part in message.parts if isinstance(part, TextPart)]).strip()


def _plain(message: Message) -> list[object]:
    """A message as far as clients keep it: without reasoning, and trimmed."""
    others: list[object] = []
    for part in message.parts:
        match part:
            case ToolCallPart():
                others.append([part.name, part.arguments])
            case OpaquePart(value):
                others.append(value)
            case _:
                pass
    return [message.role, _text(message), others]
