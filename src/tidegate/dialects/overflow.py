"""A prompt beyond the window, told by a runtime in its own words or inside a stream of status 200: the contract's words for it.

Only numbers are taken over from a runtime's text; it may quote the prompt.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from tidegate.codecs import sse
from tidegate.core.errors import ClientMistake
from tidegate.dialects.errors import error_object, window_exceeded
from tidegate.dialects.readers import Fields

_COUNTED = (
    re.compile(r"n_keep: (?P<asked>\d{1,12})\s*>=\s*n_ctx: (?P<window>\d{1,12})"),
    re.compile(r"keep the first (?P<asked>\d{1,12}) tokens .{0,120}context length of only (?P<window>\d{1,12}) tokens"),
)
"""LM Studio 0.4.11 and 0.3.13: lmstudio-ai/lmstudio-bug-tracker#1806 and #546, read 2026-11-24."""
_UNCOUNTED = "Context size has been exceeded"
"""LM Studio's MLX engine: #2339, read 2026-11-24."""
_LONGEST = 1000


def overflow_in(error: dict[str, Any]) -> ClientMistake | None:
    """The mistake that an error object speaks of, if it speaks of an overflow."""
    message = error.get("message")
    if not isinstance(message, str):
        return None
    for pattern in _COUNTED:
        if found := pattern.search(message[:_LONGEST]):
            return window_exceeded(int(found["window"]), found["asked"])
    if message.startswith(_UNCOUNTED):
        return ClientMistake(
            "This model's maximum context length is exceeded. Please reduce the length of the messages."
        )
    return None


class OverflowEvents:
    """Server-sent events in which an overflow is raised as what it is. Any other error is left to the reader."""

    def __init__(self) -> None:
        self._decoder = sse.Decoder()

    def feed(self, piece: bytes) -> list[sse.ServerEvent]:
        events = self._decoder.feed(piece)
        for event in events:
            if event.event == b"error" and event.data and (told := overflow_in(error_object(event.data))):
                raise told
        return events


def tell_overflow(fields: Fields) -> bool:
    """The same for an error in a plain chunk or in a whole answer."""
    if "error" in fields and (told := overflow_in(error_object(orjson.dumps(fields)))):
        raise told
    return False
