"""A request with its texts changed, place by place: the writing counterpart of `texts`, in the same order. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from msgspec.structs import replace

from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import FimRequest, Request, ToolSpec
from tidegate.privacy.texts.passages import content, is_json
from tidegate.privacy.texts.places import Place
from tidegate.privacy.texts.trees import PART_WORDS, SCHEMA_WORDS, walked

Change = Callable[[Place, str], str]


def rewritten(request: Request, change: Change) -> Request:
    """`change` is asked for every maskable text that stands in the request.

    Of a call's arguments it is given the JSON text itself, so that nothing else of it is written anew, and must leave it
    JSON.
    """
    if isinstance(request, FimRequest):
        return replace(
            request,
            prompt=change(Place("prompt"), request.prompt),
            suffix=None if request.suffix is None else change(Place("suffix"), request.suffix),
            stop=_stops(request, change),
        )
    return replace(
        request,
        messages=tuple(_message(index, message, change) for index, message in enumerate(request.messages)),
        tools=tuple(_tool(index, tool, change) for index, tool in enumerate(request.tools)),
        response_format=_tree(Place("response_format"), request.response_format, SCHEMA_WORDS, change),
        stop=_stops(request, change),
        user_id=None if request.user_id is None else change(Place("user_id"), request.user_id),
    )


def _stops(request: Request, change: Change) -> tuple[str, ...]:
    return tuple(change(Place("stop", index), text) for index, text in enumerate(request.stop))


def _message(index: int, message: Message, change: Change) -> Message:
    places = (place for place, _ in content(index, message))
    calls = 0
    parts: list[Part] = []
    for part in message.parts:
        match part:
            case TextPart(text):
                parts.append(TextPart(change(next(places), text)))
            case OpaquePart(value):
                parts.append(OpaquePart(_tree(next(places), value, PART_WORDS, change)))
            case ReasoningPart(text):
                parts.append(ReasoningPart(change(Place("messages", index, "reasoning_content"), text)))
            case ToolCallPart(_, _, arguments):
                place = Place("messages", index, "tool_calls", calls, "arguments")
                parts.append(replace(part, arguments=change(place, arguments)) if is_json(arguments) else part)
                calls += 1
            case _:
                assert_never(part)
    name = None if message.name is None else change(Place("messages", index, "name"), message.name)
    return replace(message, parts=tuple(parts), name=name)


def _tool(index: int, tool: ToolSpec, change: Change) -> ToolSpec:
    place = Place("tools", index, "description")
    return replace(
        tool,
        description=None if tool.description is None else change(place, tool.description),
        parameters=_tree(Place("tools", index, "parameters"), tool.parameters, SCHEMA_WORDS, change),
    )


def _tree(place: Place, value: Any, words: frozenset[str], change: Change) -> Any:
    if value is None:
        return None
    return walked(value, words, lambda number, text: change(place._replace(nth=number), text)).value
