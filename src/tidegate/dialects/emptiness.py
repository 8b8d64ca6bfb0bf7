"""An answer that says nothing is no answer: the stage that every local dialect ends with. The hosted API is left out.

The start is held back until something is said, so that another backend can still be asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.core.errors import BadAnswer
from tidegate.core.events import End, Event, Finish, Reasoning, Text, ToolCall, UsageReport
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON

EMPTY = COMMON.rule(
    "REQ010",
    "an answer of a local runtime without reasoning, text or tool call and without output tokens is refused",
    why="A server that fails inside may answer 200 with nothing in it, which looks like a model that chose to be silent. "
    "The hosted API is believed: its JSON mode may return empty content.",
    source="cyllama 0.2.18's server, run 2026-11-22; lmstudio-ai/lmstudio-bug-tracker#2339, 2026-08-30; DeepSeek "
    "API documentation (JSON output), 2026-08-02",
    checked="2026-11-24",
)


_TELLING = frozenset({"content_filter", "insufficient_system_resource"})
"""Finish reasons that say themselves why there is nothing."""


class SaysSomething:
    """Holds events back until one says something. Output tokens count as said if `trusts_counts`."""

    quirks: tuple[str, ...] = ()

    def __init__(self, *, trusts_counts: bool) -> None:
        self._trusts_counts = trusts_counts
        self._held: list[Event] | None = []

    def take(self, event: Event) -> Iterable[Event]:
        if self._held is None:
            return (event,)
        if isinstance(event, End):
            raise BadAnswer(f"the backend's answer is empty, see {EMPTY.code}")
        self._held.append(event)
        if not self._says(event):
            return ()
        held, self._held = self._held, None
        return held

    def _says(self, event: Event) -> bool:
        match event:
            case Reasoning(text) | Text(text):
                return bool(text)
            case ToolCall():
                return True
            case Finish(reason):
                return reason in _TELLING
            case UsageReport(usage):
                return self._trusts_counts and bool(usage.output)
            case _:
                return False


def refuse_empty(_request: ChatRequest) -> SaysSomething:
    return SaysSomething(trusts_counts=True)


def refuse_empty_whatever_counted(_request: ChatRequest) -> SaysSomething:
    """For a server that counts tokens of answers it does not show."""
    return SaysSomething(trusts_counts=False)
