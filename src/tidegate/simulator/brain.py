"""The role that thinks up an answer, and what it is told. What it says is cut to tokens elsewhere (`speech`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from tidegate.catalog.contracts.contract import AppliedEffort
from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.core.requests import Request

Said = Reasoning | Text | ToolCall


@dataclass(frozen=True, slots=True)
class Task:
    """A request that has been found right. `effort` is what the profile makes of the asked one; `off`: no thinking."""

    request: Request
    effort: AppliedEffort
    max_tokens: int


class Brain(Protocol):
    """Reasoning first and only where `effort` is not off, then text, then tool calls.

    Texts may come in pieces of any size. A tool call comes whole: name and all its arguments at once; its id is not the
    brain's. Limits, stop strings and token counts are not its business either; it is closed when enough was said.
    """

    def answer(self, task: Task) -> AsyncGenerator[Said, None]: ...
