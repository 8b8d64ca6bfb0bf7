"""JSON Output made whole: an answer that was asked for as JSON is checked when it ends. A stage for every local dialect.

The text passes as it comes; what is wrong with it is known at its end, so a stream then ends with an error instead of
`[DONE]`, and an unstreamed request is answered with an error. Nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidegate.core.errors import BadAnswer
from tidegate.core.events import Event, Finish, Text
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON
from tidegate.dialects.refusals import asks_forced_tool, format_of
from tidegate.dialects.validity import Validity, object_in, value_in

CHECKED_JSON = COMMON.rule(
    "REQ011",
    "JSON output of a local runtime is checked at its end: what is not what response_format asks for is an error",
    why="Constrained decoding is missing, off or incomplete in places (a reasoning parser, a switch, an older version), and "
    "prose in place of JSON breaks the program that reads it. An answer that max_tokens cut passes with `length`, as the "
    "contract has it. A schema must hold all that it refers to: nothing is fetched.",
    source="transformers serve 5.19 and llama.cpp b11549, run 2026-11-22; ollama/ollama#14850; DeepSeek API "
    "documentation (JSON output), 2026-08-02",
    checked="2026-11-24",
)

MOST_CHARACTERS = 16 * 1024 * 1024
"""More than the contract's 393,216 output tokens fill."""


class CheckedJson:
    """Lets the answer pass and holds it to its format at the end. `wanted` is None for any object."""

    quirks: tuple[str, ...] = ()

    def __init__(self, wanted: Validity | None) -> None:
        self._wanted = wanted
        self._pieces: list[str] = []
        self._characters = 0

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Text(text):
                self._characters += len(text)
                if self._characters > MOST_CHARACTERS:
                    raise BadAnswer(f"the backend's JSON is longer than {MOST_CHARACTERS} characters")
                self._pieces.append(text)
            case Finish("stop") if not self._is_as_wanted("".join(self._pieces)):
                raise BadAnswer(
                    "the backend's answer is not the JSON that `response_format` asks for, see "
                    f"{CHECKED_JSON.code}; ask again or use another `model`"
                )
            case _:
                pass
        return (event,)

    def _is_as_wanted(self, text: str) -> bool:
        if self._wanted is None:
            return object_in(text) is not None
        return any(self._wanted.holds(value) for value in value_in(text))


def checked_json(request: ChatRequest) -> CheckedJson | None:
    """Where a tool is forced the answer is its call, whatever format was asked for beside it."""
    if asks_forced_tool(request):
        return None
    match format_of(request):
        case "json_object":
            return CheckedJson(None)
        case "json_schema":
            return CheckedJson(Validity(wanted_schema(request), "response_format", CHECKED_JSON))
        case _:
            return None


def wanted_schema(request: ChatRequest) -> Any:
    return (request.response_format or {})["json_schema"]["schema"]
