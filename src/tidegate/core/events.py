"""The one vocabulary of an answer in motion, and the order its words may come in.

Streamed and unstreamed answers are one thing here: an unstreamed upstream answer is unfolded into events, an unstreamed
reply to a client is folded from them (`core/fold.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.core.usage import Usage


@dataclass(frozen=True, slots=True)
class Start:
    """The answer begins. `model` is the id the backend answers with; `created` is unix seconds."""

    model: str | None = None
    created: int | None = None
    fingerprint: str | None = None
    answer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str
    logprobs: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    logprobs: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A piece of a tool call: `call_id` and `name` come with the first piece of an index, `arguments` grows."""

    index: int
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """Why generation stopped: stop, length, content_filter, tool_calls or insufficient_system_resource."""

    reason: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    usage: Usage


@dataclass(frozen=True, slots=True)
class End:
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
    UsageReport: frozenset({End}),
    End: frozenset(),
}
"""After which event which may come; None is the beginning."""


class Frame:
    """One piece of an answer as it came off the upstream.

    `wire` holds its bytes when they may go untouched to a client that speaks the same codec, and is None when a quirk
    or another codec makes a new encoding necessary. `matters` says whether it carries anything the books need (finish,
    usage); only then, or when a surface must re-encode it, are the events decoded, once.
    """

    __slots__ = ("_decode", "_events", "matters", "wire")

    def __init__(self, wire: bytes | None, decode: Callable[[], tuple[Event, ...]], *, matters: bool = True) -> None:
        self.wire = wire
        self.matters = matters
        self._decode = decode
        self._events: tuple[Event, ...] | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        if self._events is None:
            self._events = self._decode()
        return self._events


def frame_of(*events: Event) -> Frame:
    """A frame that was never bytes."""
    return Frame(None, lambda: events)
