"""The stage for reasoning that arrives inside the text, from a server without a reasoning parser. Pure.

What is trimmed is what DeepSeek's own parser trims (deepseek-recipe 0.2.0, run 2026-11-24): the newlines at the begin of
reasoning and of content, and those before `</think>`; nothing else, so spaces stay. Unlike that parser, a second
`</think>` stays in the content as the model wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, assert_never

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule
from tidegate.dialects.stages import Reporting

OPENING, CLOSING = "<think>", "</think>"

Begins = Literal["outside", "inside", "unknown"]
"""Where the model's text begins. `inside`: the prompt ended in `<think>`, as those of R1 and V4 do. `unknown`: nobody
says; the text is held back until a tag or its end tells, so only where the client waits for the whole answer anyway."""


class ThinkSplitter(Reporting):
    """Splits `<think>...</think>answer` into reasoning and text, however the tags are cut into pieces.

    Only tags around the reasoning count: `<think>` at the very begin, and the first `</think>` after it or, with
    `unknown`, after a text without `<think>`. Unclosed reasoning stays reasoning. A server that sends a reasoning field
    has split already: from its first piece on everything passes as it is. Logprobs of a cut piece go with its first part.
    """

    def __init__(self, code: str, begins: Begins) -> None:
        super().__init__(code)
        self._begins: Begins = begins
        self._state: Literal["before", "inside", "after", "unknown", "plain"] = "before"
        self._held: list[str] = []
        self._tail = ""
        self._fresh = True
        self._logprobs: list[Any] = []

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Text(text, logprobs):
                if self._state == "plain":
                    return (event,)
                self._logprobs.extend(logprobs or ())
                return self._read(text)
            case Reasoning():
                released = self._settle()
                self._state = "plain"
                return (*released, event)
            case ToolCall() | Finish():
                return (*self._settle(), event)
            case Start() | UsageReport() | End():
                return (event,)
            case _:
                assert_never(event)

    def _read(self, text: str) -> list[Event]:
        self._held.append(text)
        said: list[Event] = []
        state = None
        while state != self._state:  # each state reads what the one before has left
            state = self._state
            match state:
                case "before":
                    self._begin()
                case "unknown":
                    self._look(text)
                case "inside":
                    said += self._think()
                case "after":
                    self._answer()
                case "plain":
                    said += self._say(Text, self._taken())
                case _:
                    assert_never(state)
        return said

    def _begin(self) -> None:
        held = self._taken()
        begin = held.lstrip()
        if begin.startswith(OPENING):
            self._state, self._applied = "inside", True
            self._held.append(begin.removeprefix(OPENING))
            return
        self._held.append(held)
        if not OPENING.startswith(begin):
            self._state = "plain" if self._begins == "outside" else self._begins

    def _look(self, text: str) -> None:
        """Joins only when the tag may be there: an answer of many pieces is not searched again with each."""
        recent = self._tail + text
        self._tail = recent[1 - len(CLOSING) :]
        if CLOSING not in recent and len(self._held) > 1:
            return
        held = self._taken()
        self._held.append(held)
        self._tail = held[1 - len(CLOSING) :]
        if CLOSING in held:
            self._state = "inside" if OPENING not in held.partition(CLOSING)[0] else "plain"

    def _think(self) -> list[Event]:
        self._applied = True
        reasoning, closed, rest = self._taken().partition(CLOSING)
        if closed:
            self._state = "after"
            self._held.append(rest)
            return self._say(Reasoning, self._without_begin(reasoning.rstrip("\n")))
        begun = next((n for n in range(len(CLOSING) - 1, 0, -1) if reasoning.endswith(CLOSING[:n])), 0)
        ready = reasoning[: len(reasoning) - begun].rstrip("\n")
        self._held.append(reasoning[len(ready) :])
        return self._say(Reasoning, self._without_begin(ready))

    def _answer(self) -> None:
        if content := self._taken().lstrip("\n"):
            self._held.append(content)
            self._state = "plain"

    def _settle(self) -> list[Event]:
        """What is held is as far as it goes."""
        match self._state:
            case "inside":
                return self._say(Reasoning, self._without_begin(self._taken()))
            case "before" if self._begins == "inside" and self._held:
                self._applied = True
                return self._say(Reasoning, self._without_begin(self._taken()))
            case "before" | "unknown" | "plain":
                self._state = "plain" if self._state == "unknown" else self._state
                return self._say(Text, self._taken())
            case "after":
                self._held.clear()
                return []
            case _:
                assert_never(self._state)

    def _without_begin(self, reasoning: str) -> str:
        if self._fresh:
            reasoning = reasoning.lstrip("\n")
            self._fresh = not reasoning
        return reasoning

    def _taken(self) -> str:
        held = "".join(self._held)
        self._held.clear()
        return held

    def _say(self, kind: type[Reasoning] | type[Text], text: str) -> list[Event]:
        if not text:
            return []
        logprobs = tuple(self._logprobs) or None
        self._logprobs.clear()
        return [kind(text, logprobs)]


def splitting(rule: Rule) -> Callable[[ChatRequest], ThinkSplitter]:
    """For a server that may or may not have a reasoning parser, and does not tell."""
    return lambda request: ThinkSplitter(rule.code, "outside" if request.stream else "unknown")


def opened(rule: Rule) -> Callable[[ChatRequest], ThinkSplitter]:
    """For a server of which nothing is known: only reasoning that begins with its tag."""
    return lambda _request: ThinkSplitter(rule.code, "outside")
