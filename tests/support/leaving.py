"""A backend that answers as far as it is told and then waits until it is left; and clients that leave in each way there is."""

from __future__ import annotations

import json
import queue
import socket
import struct
from contextlib import suppress
from time import monotonic
from typing import Literal, get_args

from tests.support.upstreams import STREAM, Request, Upstream, answer, head, in_chunk, is_streamed, whole_reply

Moment = Literal["before the first byte", "after the head", "in the answer"]
Way = Literal["closes", "resets", "closes one side"]
Wire = Literal["chat", "messages"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
WAYS: tuple[Way, ...] = get_args(Way)
WIRES: tuple[Wire, ...] = get_args(Wire)
PATIENCE_S = 20.0
_PATHS: dict[Wire, str] = {"chat": "/chat/completions", "messages": "/anthropic/v1/messages"}


class Left(Upstream):
    """`moment` None: it answers rightly. `asked` and `left` tell of each request when it was read, and when its connection
    was closed, by this machine's monotonic clock."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.moment: Moment | None = None
        self.asked: queue.Queue[float] = queue.Queue()
        self.left: queue.Queue[float] = queue.Queue()

    async def _answer(self, request: Request) -> bool:
        if not request.body or self.moment is None:
            await request.reply(whole_reply(request.body))
            return True
        with suppress(ConnectionError):
            await request.reply(self._part(request.body))
        self.asked.put(monotonic())
        await request.peer_has_left()
        self.left.put(monotonic())
        return False

    def _part(self, body: bytes) -> bytes:
        match self.moment:
            case "after the head":
                return head("200 OK", "text/event-stream") if is_streamed(body) else head("200 OK", length=500)
            case "in the answer" if is_streamed(body):
                return head("200 OK", "text/event-stream") + in_chunk(STREAM[0]) + in_chunk(STREAM[1])
            case "in the answer":
                return head("200 OK", length=len(answer())) + answer()[:50]
            case _:
                return b""


class Client:
    """Has asked, and may leave."""

    def __init__(self, port: int, wire: Wire, *, stream: bool) -> None:
        body = json.dumps({"model": "double/m", "max_tokens": 50, "stream": stream, "messages": [_QUESTION]}).encode()
        lines = [f"POST {_PATHS[wire]} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines.append(f"Content-Length: {len(body)}")
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall("\r\n".join([*lines, "\r\n"]).encode() + body)

    def read(self) -> bytes:
        """Some of the answer, as soon as there is any; b"" at its end."""
        return self._socket.recv(65536)

    def read_to_the_end(self) -> bytes:
        """Of a connection that the server closes."""
        found = b""
        while piece := self.read():
            found += piece
        return found

    def leave(self, way: Way) -> float:
        """When it left, by this machine's monotonic clock."""
        left_at = monotonic()
        if way == "closes one side":
            self._socket.shutdown(socket.SHUT_WR)
            return left_at
        if way == "resets":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        return left_at

    def close(self) -> None:
        self._socket.close()


_QUESTION = {"role": "user", "content": "Tell me of the tides."}
CONFIG = """
[probe]
enabled = false
[profiles]
measure = false
[backends.double]
kind = "generic"
stays_home = true
base_url = "{url}"
models = ["m"]
slots = 1
"""
