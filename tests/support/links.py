"""Links between processes, without processes: two ends in one loop, and all that goes over it written down."""

from __future__ import annotations

import asyncio
from typing import Any

from tidegate.steward.link import Answers, Hears, Link


class _Pipe(asyncio.Transport):
    """What one end writes the other receives, in the next turn of the loop, in pieces as small as `piece_bytes`."""

    def __init__(self, piece_bytes: int) -> None:
        super().__init__()
        self.other: _Pipe | None = None
        self.end: Link | None = None
        self.sent = bytearray()
        self._piece_bytes = piece_bytes
        self._closing = False

    def write(self, data: Any) -> None:
        self.sent += data
        receiver = self.other
        assert receiver is not None
        pieces = [bytes(data[at : at + self._piece_bytes]) for at in range(0, len(data), self._piece_bytes)]
        for piece in pieces:
            asyncio.get_running_loop().call_soon(receiver.receive, piece)

    def receive(self, data: bytes) -> None:
        if not self._closing and self.end is not None:
            self.end.data_received(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        for side in (self, self.other):
            assert side is not None
            if not side._closing:
                side._closing = True
                assert side.end is not None
                asyncio.get_running_loop().call_soon(side.end.connection_lost, None)


def join(one: Link, other: Link, piece_bytes: int = 1 << 20) -> tuple[_Pipe, _Pipe]:
    """Connect two ends."""
    left, right = _Pipe(piece_bytes), _Pipe(piece_bytes)
    left.other, right.other, left.end, right.end = right, left, one, other
    one.connection_made(left)
    other.connection_made(right)
    return left, right


def worker_of(new_link: Any, *, answers: Answers | None = None, hears: Hears | None = None) -> Link:
    """The worker's end of a new link to a steward."""
    link = Link(answers or {}, hears or {})
    join(new_link({}, {}), link)
    return link
