"""Server-sent events, sans I/O: bytes in as they arrive, whole events out. Knows framing and nothing of JSON.

Follows the WHATWG rules for line ends (LF, CR LF, CR), comments and joined data lines. An event keeps the bytes it came
in (`wire`), so that an untouched stream can be forwarded byte for byte. Sizes are bounded: an upstream that never ends
an event must not fill the memory.
"""

from __future__ import annotations

import re

from msgspec import Struct

from tidegate.core.errors import BrokenContract

DEFAULT_EVENT_LIMIT_BYTES = 4 * 1024 * 1024

# Atomic groups: one CR LF must never be taken apart into two line ends.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class ServerEvent(Struct, frozen=True, gc=False):
    """One event. `data` is None when it carried none (a comment, used as keep-alive)."""

    wire: bytes
    data: bytes | None
    event: bytes | None = None


class Decoder:
    """Feed it bytes in any pieces; the events do not depend on where the pieces were cut."""

    __slots__ = ("_begun", "_buffer", "_limit_bytes")

    def __init__(self, limit_bytes: int = DEFAULT_EVENT_LIMIT_BYTES) -> None:
        self._buffer = b""
        self._begun = False
        self._limit_bytes = limit_bytes

    def feed(self, piece: bytes) -> list[ServerEvent]:
        buffer = self._buffer + piece if self._buffer else piece
        if not self._begun:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._buffer = buffer
                return []
            self._begun = True
            buffer = buffer.removeprefix(_BOM)
        events = self._split_plain(buffer) if b"\r" not in buffer else self._split_any(buffer)
        if len(self._buffer) > self._limit_bytes or any(len(event.wire) > self._limit_bytes for event in events):
            raise BrokenContract(f"the backend sent a stream event larger than {self._limit_bytes} bytes")
        return events

    @property
    def pending(self) -> bool:
        """Whether bytes of an unfinished event are left; at the end of a stream that means it was cut."""
        return bool(self._buffer.strip())

    def _split_plain(self, buffer: bytes) -> list[ServerEvent]:
        """The common case, LF only: cut at blank lines."""
        *blocks, self._buffer = buffer.split(b"\n\n")
        return [_read(block + b"\n\n", block) for block in blocks if block.strip(b"\n")]

    def _split_any(self, buffer: bytes) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        begin = 0
        while match := _BLANK_LINE.search(buffer, begin):
            if match.end() == len(buffer) and buffer.endswith(b"\r"):
                # The CR may be the first half of a CR LF whose LF has not arrived.
                break
            block = buffer[begin : match.start()]
            if block.strip(b"\r\n"):
                events.append(_read(buffer[begin : match.end()], block))
            begin = match.end()
        self._buffer = buffer[begin:]
        return events


def _read(wire: bytes, block: bytes) -> ServerEvent:
    if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
        return ServerEvent(wire, block[6:])
    data: list[bytes] = []
    name: bytes | None = None
    for line in _LINE_END.split(block):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return ServerEvent(wire, b"\n".join(data) if data else None, name)


def encode(data: bytes) -> bytes:
    """One event with this data (which holds no line end: JSON on one line)."""
    return b"data: " + data + b"\n\n"
