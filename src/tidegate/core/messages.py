"""Messages as parts. Plain values, equal by value; identity and storage are someone else's business.

Canonical form, so that one conversation has one value: an assistant's parts stand in the order reasoning, text, tool
calls; an empty text stands only beside other parts; parts that we do not read (images, files) travel as `OpaquePart`.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Role = Literal["system", "user", "assistant", "tool", "latest_reminder"]


class TextPart(Struct, frozen=True, gc=False):
    text: str


class ReasoningPart(Struct, frozen=True, gc=False):
    """The model's own reasoning, sent back by the client."""

    text: str


class ToolCallPart(Struct, frozen=True, gc=False):
    """`arguments` is the JSON text as the model wrote it, possibly cut or invalid: nobody repairs it."""

    call_id: str
    name: str
    arguments: str


class OpaquePart(Struct, frozen=True, gc=False):
    """A content part that is carried, not read: `value` is its JSON as it came."""

    value: dict[str, Any]


Part = TextPart | ReasoningPart | ToolCallPart | OpaquePart


class Message(Struct, frozen=True, gc=False):
    """One turn. `call_id` names the tool call that a `tool` message answers; `prefix` asks to continue this text."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    call_id: str | None = None
    prefix: bool = False

    @property
    def has_reasoning(self) -> bool:
        """Whether reasoning was sent with this turn; an empty one counts, it says "none"."""
        return any(isinstance(part, ReasoningPart) for part in self.parts)

    @property
    def has_calls(self) -> bool:
        return any(isinstance(part, ToolCallPart) for part in self.parts)
