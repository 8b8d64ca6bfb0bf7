"""The text of one call, as `called_by_schema` asks for it, to the pieces of a tool call: the answer on its way back.

Arguments pass as they arrive. What is not the form is an error; what was cut stays a part of a call, with `length`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal, assert_never

import orjson

from tidegate.core.errors import BadAnswer
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.messages import ToolCallPart
from tidegate.core.requests import ChatRequest
from tidegate.dialects.called_by_schema import CALLED_BY_SCHEMA, offered
from tidegate.dialects.refusals import asks_forced_tool
from tidegate.dialects.stages import Reporting

_BLANK = " \t\n\r"
_HEAD = re.compile(
    r'[ \t\n\r]*\{[ \t\n\r]*"name"[ \t\n\r]*:[ \t\n\r]*"([a-zA-Z0-9_-]+)"[ \t\n\r]*,[ \t\n\r]*'
    r'"arguments"[ \t\n\r]*:[ \t\n\r]*(?=\{)'
)
_LONGEST_HEAD = 1024
"""Characters; a name has at most 64."""
_OUTSIDE, _INSIDE = re.compile(r'["{}\[\]]'), re.compile(r'["\\]')


class CallReader(Reporting):
    """Reads one call. `names` are the functions it may call, `before` what tells this turn from earlier ones."""

    def __init__(self, names: frozenset[str], before: tuple[str, ...]) -> None:
        super().__init__(CALLED_BY_SCHEMA.code)
        self._names = names
        self._before = before
        self._start = Start()
        self._state: Literal["head", "arguments", "tail", "after", "native"] = "head"
        self._head = ""
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Start():
                self._start = event
                return (event,)
            case Text(text):
                return (event,) if self._state == "native" else self._read(text)
            case ToolCall():  # a server that made a call of the text by itself
                if self._state not in ("head", "native") or self._head:
                    raise _not_the_form()
                self._state = "native"
                return (event,)
            case Finish("stop") if self._state != "native":
                if self._state != "after":
                    raise _not_the_form()
                return (Finish("tool_calls"),)
            case Finish() | Reasoning() | UsageReport() | End():
                return (event,)
            case _:
                assert_never(event)

    def _read(self, text: str) -> list[Event]:
        said: list[Event] = []
        if self._state == "head":
            text = self._begin(text, said)
        if self._state == "arguments":
            arguments, text = self._split(text)
            if arguments:
                said.append(ToolCall(0, arguments=arguments))
        if self._state == "tail" and (text := text.lstrip(_BLANK)):
            if text[0] != "}":
                raise _not_the_form()
            self._state, text = "after", text[1:]
        if self._state == "after" and text.strip(_BLANK):
            raise _not_the_form()
        return said

    def _begin(self, text: str, said: list[Event]) -> str:
        """Gives back what follows the head, once it is whole."""
        self._head += text
        found = _HEAD.match(self._head)
        if found is None:
            begun = self._head.lstrip(_BLANK)
            if len(self._head) > _LONGEST_HEAD or (begun and begun[0] != "{"):
                raise _not_the_form()
            return ""
        if found.end() > _LONGEST_HEAD or found[1] not in self._names:
            raise _not_the_form()
        self._state, self._applied = "arguments", True
        said.append(ToolCall(0, self._call_id(found[1]), found[1]))
        return self._head[found.end() :]

    def _split(self, text: str) -> tuple[str, str]:
        """What belongs to the arguments, and what follows them."""
        at = 0
        while at < len(text):
            if self._escaped:
                self._escaped, at = False, at + 1
                continue
            found = (_INSIDE if self._quoted else _OUTSIDE).search(text, at)
            if found is None:
                break
            at = found.end()
            match found[0]:
                case '"':
                    self._quoted = not self._quoted
                case "\\":
                    self._escaped = True
                case "{" | "[":
                    self._depth += 1
                case _:
                    self._depth -= 1
                    if not self._depth:
                        self._state = "tail"
                        return text[:at], text[at:]
        return text, ""

    def _call_id(self, name: str) -> str:
        """In the hosted API's form: of when and as what the answer began, so the same bytes always mean the same call.

        Of a server that tells neither, the calls are only counted.
        """
        begun = (self._start.answer_id, self._start.created, self._start.model)
        if begun[:2] == (None, None):
            return f"call_{len(self._before)}"
        digest = hashlib.sha256(orjson.dumps([*begun, *self._before, name])).hexdigest()
        return f"call_00_{digest[:24]}"


def _not_the_form() -> BadAnswer:
    return BadAnswer(
        f"the backend's answer is not the tool call that it was asked for, see {CALLED_BY_SCHEMA.code}; ask again or use "
        "another `model`"
    )


def reading_call(request: ChatRequest) -> CallReader | None:
    if not asks_forced_tool(request):
        return None
    calls = (part for message in request.messages for part in message.parts if isinstance(part, ToolCallPart))
    return CallReader(frozenset(tool.name for tool in offered(request)), tuple(call.call_id for call in calls))
