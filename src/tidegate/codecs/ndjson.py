"""Newline-delimited JSON, sans I/O: bytes in as they arrive, whole lines out. Knows framing and nothing of JSON.

Same interface as `sse.Decoder`, so that a reader need not know which of them frames its stream. Sizes are bounded: an
upstream that never ends a line must not fill the memory.
"""

from __future__ import annotations

from tidegate.codecs.sse import DEFAULT_EVENT_LIMIT_BYTES, ServerEvent
from tidegate.core.errors import BrokenContract


class Decoder:
    """Feed it bytes in any pieces; the lines do not depend on where the pieces were cut. Blank lines mean nothing."""

    __slots__ = ("_buffer", "_limit_bytes")

    def __init__(self, limit_bytes: int = DEFAULT_EVENT_LIMIT_BYTES) -> None:
        self._buffer = b""
        self._limit_bytes = limit_bytes

    def feed(self, piece: bytes) -> list[ServerEvent]:
        *lines, self._buffer = (self._buffer + piece if self._buffer else piece).split(b"\n")
        if len(self._buffer) > self._limit_bytes or any(len(line) > self._limit_bytes for line in lines):
            raise BrokenContract(f"the backend sent a line larger than {self._limit_bytes} bytes")
        return [ServerEvent(line + b"\n", data) for line in lines if (data := line.strip())]

    @property
    def pending(self) -> bool:
        """Whether bytes of an unfinished line are left; at the end of a stream that means it was cut."""
        return bool(self._buffer.strip())


def encode(data: bytes) -> bytes:
    """One line with this data (JSON without line ends)."""
    return data + b"\n"
