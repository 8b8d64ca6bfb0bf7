"""The stage that counts reasoning tokens where the runtime does not: an estimate, and reported as one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.core.events import Event, Reasoning, Text, ToolCall, UsageReport
from tidegate.core.requests import ChatRequest
from tidegate.core.usage import Usage
from tidegate.dialects.base import COMMON

COUNTED = COMMON.rule(
    "REQ023",
    "reasoning tokens that a local runtime does not count are estimated by the gateway",
    why="The contract reports them. Streaming servers send about one token per piece, so reasoning has the share of the "
    "output tokens that it has of the pieces; reasoning in one piece is measured by characters. The markup of tool "
    "calls never shows as pieces: beside calls, each piece of reasoning counts as one token. It is never more than the output. "
    "Where thinking was off and nothing was thought it is 0, which is no estimate and not reported as one.",
    source="llama.cpp b11549 reports none, vLLM 0.32.0 with its R1 parser reports 0, run 2026-11-22; Ollama source fb30760, "
    "2026-08-21",
    checked="2026-11-24",
)


class CountsReasoning:
    """Weighs what is said until usage comes. Stands behind the splitting of reasoning and before calls are read."""

    def __init__(self, *, thinks: bool) -> None:
        self._thinks = thinks
        self._thought = _Weight()
        self._rest = _Weight()
        self._called = False
        self._applied = False

    @property
    def quirks(self) -> tuple[str, ...]:
        return (COUNTED.code,) if self._applied else ()

    def take(self, event: Event) -> Iterable[Event]:
        match event:
            case Reasoning(text) if text:
                self._thought.pieces += 1
                self._thought.characters += len(text)
            case Text(text) if text:
                self._rest.pieces += 1
                self._rest.characters += len(text)
            case ToolCall(_, _, name, arguments):
                self._called = True
                self._rest.pieces += 1
                self._rest.characters += len(name or "") + len(arguments)
            case UsageReport(usage):
                return (UsageReport(self._counted(usage)),)
            case _:
                pass
        return (event,)

    def _counted(self, usage: Usage) -> Usage:
        if usage.reasoning or usage.output is None:
            return usage
        if self._thought.pieces:
            self._applied = True
            return replace(usage, reasoning=self._share(usage.output))
        return usage if self._thinks else replace(usage, reasoning=0)

    def _share(self, output: int) -> int:
        thought, rest = self._thought, self._rest
        if thought.pieces > 1 and self._called:
            return min(thought.pieces, output)
        if thought.pieces > 1:
            share = thought.pieces / (thought.pieces + rest.pieces)
        else:
            share = thought.characters / (thought.characters + rest.characters)
        return min(max(round(output * share), 1), output)


class _Weight:
    """How much was said, in pieces and in characters."""

    __slots__ = ("characters", "pieces")

    def __init__(self) -> None:
        self.pieces = 0
        self.characters = 0


def count_reasoning(request: ChatRequest) -> CountsReasoning:
    return CountsReasoning(thinks=request.thinks)
