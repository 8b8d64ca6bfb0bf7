"""Every text of a request that leaves towards a backend, and what in it cannot be looked into.

Not here, because dialects never send them: fields outside the contract (REQ001) and what a codec noted for its own check.
Pure, and on the way of every request: a plain chat costs microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, NamedTool, Request
from tidegate.privacy.texts.blobs import holds_blob
from tidegate.privacy.texts.joins import FIM_WINDOW, joined
from tidegate.privacy.texts.places import Passage, Place
from tidegate.privacy.texts.readings import is_settled, may_hide, readings
from tidegate.privacy.texts.trees import PART_WORDS, SCHEMA_WORDS, number_text, walked

UNESCAPED = tuple(f"unescaped {level}" for level in range(1, 9))
"""Forms of a place by the number of levels undone."""
_MODEL = Place("model")
JOINED = {"": "joined", " ": "joined by a space"}
"""How backends put the parts of one message together, as far as a value could span the join."""
NUMBERS = "numbers"
_ODD_NUMBER = re.compile(r"\d(?:[eE]\+?\d|\.0*(?:[eE]|[,\]}\s]))")
_DEEP = re.compile(r"\\{8}|\\u00[25]|\\x[25]|%[25]")
"""Without one of these nothing is escaped more often than `readings` undoes."""


def passages(request: Request) -> list[Passage]:
    """What stands there, and behind it what else can be read from it: never less than a model could make of it."""
    found = standing(request)
    read: list[Passage] = []
    for place, text, maskable in found:
        if may_hide(text):
            read += (
                Passage(place._replace(form=UNESCAPED[level]), said, maskable)
                for level, said in enumerate(readings(text))
            )
        if place.inner == "arguments" and _ODD_NUMBER.search(text) is not None:
            read.append(Passage(place._replace(form=NUMBERS), _numbers(text), False))
    read += _put_together(request)
    return found + read if read else found


def unscannable(request: Request, found: Iterable[Passage]) -> list[Place]:
    """Where something is that no rule can look into: images, sound, files, base64, and escapes without end. `found` are the
    request's passages."""
    hidden: list[Place] = []
    if isinstance(request, ChatRequest):
        for index, message in enumerate(request.messages):
            if not _is_plain(message):
                hidden += (place for place, part in content(index, message) if isinstance(part, OpaquePart))
    for place, text, _ in found:
        if place.form:
            continue
        if holds_blob(text) or (may_hide(text) and _DEEP.search(text) is not None and not is_settled(text)):
            hidden.append(place)
    return list(dict.fromkeys(hidden)) if hidden else hidden


def standing(request: Request) -> list[Passage]:
    """The texts that stand in the request as such."""
    if isinstance(request, FimRequest):
        return _fim_texts(request)
    found = [Passage(_MODEL, request.model, False)]
    for index, message in enumerate(request.messages):
        parts = message.parts
        if len(parts) == 1 and type(part := parts[0]) is TextPart:
            found.append(Passage(_content(index), part.text, True))
        elif parts:
            found += _part_texts(index, message)
        if message.name is not None:
            found.append(Passage(Place("messages", index, "name"), message.name, True))
        if message.call_id is not None:
            found.append(Passage(Place("messages", index, "tool_call_id"), message.call_id, False))
    if request.tools:
        found += _tool_texts(request)
    if isinstance(request.tool_choice, NamedTool):
        found.append(Passage(Place("tool_choice"), request.tool_choice.name, False))
    if request.response_format is not None:
        found += _tree_texts(Place("response_format"), request.response_format, SCHEMA_WORDS)
    found += (Passage(Place("stop", index), text, True) for index, text in enumerate(request.stop))
    if request.user_id is not None:
        found.append(Passage(Place("user_id"), request.user_id, True))
    return found


@lru_cache(maxsize=1024)
def _content(index: int) -> Place:
    return Place("messages", index, "content")


def _is_plain(message: Message) -> bool:
    """Whether it is one text and nothing else, as most are."""
    return len(message.parts) == 1 and type(message.parts[0]) is TextPart


def content(index: int, message: Message) -> Iterator[tuple[Place, TextPart | OpaquePart]]:
    """The content of one message with the places of its parts, numbered only if there are several."""
    parts = [part for part in message.parts if isinstance(part, TextPart | OpaquePart)]
    for item, part in enumerate(parts):
        yield Place("messages", index, "content", item if len(parts) > 1 else -1), part


def _fim_texts(request: FimRequest) -> list[Passage]:
    found = [Passage(_MODEL, request.model, False), Passage(Place("prompt"), request.prompt, True)]
    if request.suffix is not None:
        found.append(Passage(Place("suffix"), request.suffix, True))
    found += (Passage(Place("stop", index), text, True) for index, text in enumerate(request.stop))
    return found


def _part_texts(index: int, message: Message) -> Iterator[Passage]:
    for place, part in content(index, message):
        match part:
            case TextPart(text):
                yield Passage(place, text, True)
            case OpaquePart(value):
                yield from _tree_texts(place, value, PART_WORDS)
    calls = 0
    for part in message.parts:
        match part:
            case ReasoningPart(text):
                yield Passage(Place("messages", index, "reasoning_content"), text, True)
            case ToolCallPart(call_id, name, arguments):
                place = Place("messages", index, "tool_calls", calls)
                calls += 1
                yield Passage(place._replace(inner="id"), call_id, False)
                yield Passage(place._replace(inner="name"), name, False)
                yield Passage(place._replace(inner="arguments"), arguments, is_json(arguments))
            case _:
                pass


def _tool_texts(request: ChatRequest) -> Iterator[Passage]:
    for index, tool in enumerate(request.tools):
        yield Passage(Place("tools", index, "name"), tool.name, False)
        if tool.description is not None:
            yield Passage(Place("tools", index, "description"), tool.description, True)
        if tool.parameters is not None:
            yield from _tree_texts(Place("tools", index, "parameters"), tool.parameters, SCHEMA_WORDS)


def _tree_texts(place: Place, value: Any, words: frozenset[str]) -> list[Passage]:
    found: list[Passage] = []

    def note(number: int, text: str) -> str:
        found.append(Passage(place._replace(nth=number), text, True))
        return text

    fixed = walked(value, words, note).fixed
    return [Passage(place, fixed, False), *found] if fixed else found


def is_json(arguments: str) -> bool:
    """Whether strings in it can be told from the rest. What is cut or broken is sent as it is, or stays."""
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _numbers(arguments: str) -> str:
    """Whole numbers that were written otherwise: 4.1e15."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return ""
    found: list[str] = []
    level: list[Any] = [value]
    while level:
        inner = level.pop()
        if isinstance(inner, dict):
            level += inner.values()
        elif isinstance(inner, list):
            level += inner
        elif isinstance(inner, float):
            found.append(number_text(inner))
    return "\n".join(found)


def _put_together(request: Request) -> Iterator[Passage]:
    """Texts that a backend makes one: a value could stand in two of them."""
    if isinstance(request, FimRequest):
        if request.suffix:
            yield Passage(Place("prompt", form=JOINED[""]), joined(fim_texts(request), "", FIM_WINDOW).text, True)
        return
    for index, message in enumerate(request.messages):
        if len(message.parts) > 1 and len(texts := part_texts(index, message)) > 1:
            for glue, form in JOINED.items():
                yield Passage(Place("messages", index, "content", form=form), joined(texts, glue).text, True)


def fim_texts(request: FimRequest) -> list[tuple[Place, str]]:
    return [(Place("prompt"), request.prompt), (Place("suffix"), request.suffix or "")]


def part_texts(index: int, message: Message) -> list[tuple[Place, str]]:
    """The texts among the content: what stands between two of them is often sent apart."""
    return [(place, part.text) for place, part in content(index, message) if isinstance(part, TextPart)]
