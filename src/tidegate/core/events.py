"""The one vocabulary of an answer in motion, and the order its words may come in.

Streamed and unstreamed answers are one thing here: an unstreamed upstream answer is unfolded into events, an unstreamed
reply to a client is folded from them (`core/fold.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tidegate.core.usage import Usage


class Start(Struct, frozen=True, gc=False):
    """The answer begins. `model` is the id the backend answers with; `created` is unix seconds."""

    model: str | None = None
    created: int | None = None
    fingerprint: str | None = None
    answer_id: str | None = None


class Reasoning(Struct, frozen=True, gc=False):
    text: str
    logprobs: tuple[Any, ...] | None = None


class Text(Struct, frozen=True, gc=False):
    text: str
    logprobs: tuple[Any, ...] | None = None


class ToolCall(Struct, frozen=True, gc=False):
    """A piece of a tool call: `call_id` and `name` come with the first piece of an index, `arguments` grows."""

    index: int
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""


class Finish(Struct, frozen=True, gc=False):
    """Why generation stopped: stop, length, content_filter, tool_calls or insufficient_system_resource.

    `stop` is the stop string that ended it, where the backend says so; the chat format has no place for it.
    """

    reason: str
    stop: str | None = None


class UsageReport(Struct, frozen=True, gc=False):
    usage: Usage


class End(Struct, frozen=True, gc=False):
    """The stream's proper end. An answer without it is broken, whatever else it said."""


Event = Start | Reasoning | Text | ToolCall | Finish | UsageReport | End

_CONTENT: frozenset[type] = frozenset({Reasoning, Text, ToolCall})

FOLLOWS: dict[type | None, frozenset[type]] = {
    None: frozenset({Start}),
    Start: _CONTENT | {Finish},
    Reasoning: _CONTENT | {Finish},
    Text: _CONTENT | {Finish},
    ToolCall: _CONTENT | {Finish},
    Finish: frozenset({UsageReport, End}),
    # Servers send usage with the finish, or in a chunk of its own, or both: the later one is the true one.
    UsageReport: frozenset({UsageReport, End}),
    End: frozenset(),
}
"""After which event which may come; None is the beginning."""


class Milestones(Struct, frozen=True, gc=False):
    """What the books need of an answer, of all it says: where it began, why it stopped, what it used."""

    start: Start | None = None
    finish: Finish | None = None
    usage: UsageReport | None = None
    ended: bool = False


NOTHING = Milestones()


def milestones(events: tuple[Event, ...]) -> Milestones:
    start, finish, usage, ended = None, None, None, False
    for event in events:
        match event:
            case Start():
                start = event
            case Finish():
                finish = event
            case UsageReport():
                usage = event
            case End():
                ended = True
            case _:
                pass
    return Milestones(start, finish, usage, ended)


class Frame:
    """One piece of an answer as it came off the upstream.

    `wire` holds its bytes when they may go untouched to a client that speaks the same codec, and is None when a quirk
    or another codec makes a new encoding necessary. `passed` is what the books need of it. The events themselves are
    decoded only if a surface must encode them anew, and once.
    """

    __slots__ = ("_decode", "_events", "passed", "wire")

    def __init__(
        self, wire: bytes | None, decode: Callable[[], tuple[Event, ...]], passed: Milestones = NOTHING
    ) -> None:
        self.wire = wire
        self.passed = passed
        self._decode = decode
        self._events: tuple[Event, ...] | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        if self._events is None:
            self._events = self._decode()
        return self._events


class Resumed(Frame):
    """Here another backend goes on with an answer that had broken off; what it says follows in further frames.

    `before` is what was given out so far, as few events as possible, and `last` the bytes of its last frames, as far as
    they were passed on as they came. `note` says by which rule, for people.
    """

    __slots__ = ("before", "last", "note")

    def __init__(self, before: tuple[Event, ...], last: tuple[bytes, ...], note: str) -> None:
        super().__init__(None, tuple)
        self.before = before
        self.last = last
        self.note = note


def frame_of(*events: Event) -> Frame:
    """A frame that was never bytes."""
    return Frame(None, lambda: events, milestones(events))
