"""Words of ours for the model: where they stand in a conversation, so that any chat template carries them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.core.messages import Message, OpaquePart, Part, TextPart


def with_system_text(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """At the end of the first system message: many templates take one only, and at the begin only."""
    if messages and messages[0].role == "system":
        first = replace(messages[0], parts=joined((*messages[0].parts, TextPart(text)), "\n\n"))
        return (first, *messages[1:])
    return (Message("system", (TextPart(text),)), *messages)


def joined(parts: Iterable[Part], between: str = "\n") -> tuple[Part, ...]:
    """One text, where all parts are texts: not every template takes several."""
    whole = tuple(parts)
    if any(isinstance(part, OpaquePart) for part in whole):
        return whole
    return (TextPart(between.join(part.text for part in whole if isinstance(part, TextPart))),)
