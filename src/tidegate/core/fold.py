"""Events to a whole answer and back: fold(unfold(answer)) == answer. Also the check that events keep their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from tidegate.core.errors import BrokenContract
from tidegate.core.events import (
    FOLLOWS,
    End,
    Event,
    Finish,
    Reasoning,
    Start,
    Text,
    ToolCall,
    UsageReport,
)
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `reasoning` is None when the model did not think, "" when it thought nothing."""

    start: Start
    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCallPart, ...] = ()
    finish: str
    stop: str | None = None
    usage: Usage | None = None
    text_logprobs: tuple[Any, ...] | None = None
    reasoning_logprobs: tuple[Any, ...] | None = None


_OPEN = frozenset({Start, Reasoning, Text, ToolCall})


class OrderCheck:
    """Holds a stream to the FOLLOWS table."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: type | None = None

    def accept(self, event: Event) -> None:
        kind = type(event)
        if kind not in FOLLOWS[self._last]:
            before = self._last.__name__ if self._last else "the beginning"
            raise BrokenContract(f"the backend's stream is out of order: {kind.__name__} after {before}")
        self._last = kind

    @property
    def in_content(self) -> bool:
        """Begun and not yet finished: content of any kind may come."""
        return self._last in _OPEN

    @property
    def begun(self) -> bool:
        return self._last is not None

    @property
    def ended(self) -> bool:
        return self._last is End


def unfold(answer: Answer) -> Iterator[Event]:
    """The events that make this answer, each as large as possible."""
    yield answer.start
    if answer.reasoning is not None:
        yield Reasoning(answer.reasoning, answer.reasoning_logprobs)
    if answer.text or answer.text_logprobs is not None:
        yield Text(answer.text, answer.text_logprobs)
    for index, call in enumerate(answer.tool_calls):
        yield ToolCall(index, call.call_id, call.name, call.arguments)
    yield Finish(answer.finish, answer.stop)
    if answer.usage is not None:
        yield UsageReport(answer.usage)
    yield End()


class Folding:
    """Collects events into an answer; `answer()` is only there once the stream has properly ended."""

    def __init__(self, *, logprobs: bool = True) -> None:
        """Without `logprobs` those are dropped: they can be a hundred times the text."""
        self._keeps_logprobs = logprobs
        self._order = OrderCheck()
        self._start = Start()
        self._text: list[str] = []
        self._reasoning: list[str] | None = None
        self._calls: dict[int, list[str]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._finish = Finish("")
        self._usage: Usage | None = None
        self._logprobs: dict[type, list[Any]] = {}

    def add(self, event: Event) -> None:
        self._order.accept(event)
        match event:
            case Start():
                self._start = event
            case Reasoning(text, logprobs):
                self._reasoning = self._reasoning or []
                self._reasoning.append(text)
                self._note_logprobs(Reasoning, logprobs)
            case Text(text, logprobs):
                self._text.append(text)
                self._note_logprobs(Text, logprobs)
            case ToolCall(index, call_id, name, arguments):
                ids = self._calls.setdefault(index, ["", ""])
                ids[0] = call_id or ids[0]
                ids[1] = name or ids[1]
                self._arguments.setdefault(index, []).append(arguments)
            case Finish():
                self._finish = event
            case UsageReport(usage):
                self._usage = usage
            case End():
                pass
            case _:
                assert_never(event)

    def _note_logprobs(self, kind: type, logprobs: tuple[Any, ...] | None) -> None:
        if logprobs is not None and self._keeps_logprobs:
            self._logprobs.setdefault(kind, []).extend(logprobs)

    @property
    def said(self) -> str:
        """The text so far."""
        return "".join(self._text)

    def answer(self) -> Answer:
        if not self._order.ended:
            raise BrokenContract("the backend's answer has no proper end")
        text_logprobs, reasoning_logprobs = self._logprobs.get(Text), self._logprobs.get(Reasoning)
        return Answer(
            start=self._start,
            text=self.said,
            reasoning=None if self._reasoning is None else "".join(self._reasoning),
            tool_calls=tuple(
                ToolCallPart(call_id, name, "".join(self._arguments[index]))
                for index, (call_id, name) in sorted(self._calls.items())
            ),
            finish=self._finish.reason,
            stop=self._finish.stop,
            usage=self._usage,
            text_logprobs=None if text_logprobs is None else tuple(text_logprobs),
            reasoning_logprobs=None if reasoning_logprobs is None else tuple(reasoning_logprobs),
        )


def fold(events: Iterable[Event]) -> Answer:
    folding = Folding()
    for event in events:
        folding.add(event)
    return folding.answer()
