"""One client on a plain socket, so that it can leave, reset, close one side, send in pieces and read byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any

import httptools
from tests.chaos.plans import Plan

DEADLINE_S = 60.0
"""Far above all time-outs of the gateway together: who waits longer hangs."""
_SMALL_BUFFER_BYTES = 2048
_SLOW_BYTES = 200


@dataclass(slots=True)
class Seen:
    """What one client got. `left`: it went before the end, as planned."""

    plan: Plan
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    ended: bool = False
    more: bool = False
    """There were bytes after the end."""
    left: bool = False
    hung: bool = False
    failed: str = ""
    body_sent: bool = False
    began_at: float = 0.0
    ended_at: float = 0.0


class _Parsing:
    """httptools' callbacks."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._pieces: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._seen.more = self._seen.more or self._seen.ended
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._seen.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self._seen.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._seen.ended = True

    def close(self) -> None:
        self._seen.body = b"".join(self._pieces)


class Client:
    def __init__(self, port: int, clock: Callable[[], float] = monotonic) -> None:
        self._address = ("127.0.0.1", port)
        self._clock = clock

    async def ask(self, *plans: Plan) -> list[Seen]:
        """What came of them, one after the other over one connection; those after one that was closed are not asked."""
        found: list[Seen] = []
        sock = socket.socket()
        try:
            for plan in plans:
                seen = Seen(plan, began_at=self._clock())
                found.append(seen)
                await self._judged(sock, plan, seen)
                if not seen.ended or seen.headers.get("connection") == "close":
                    break
        finally:
            if found[-1].left and found[-1].plan.resets:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        return found

    async def _judged(self, sock: socket.socket, plan: Plan, seen: Seen) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._connect(sock, plan)
                await self._once(sock, plan, seen)
        except TimeoutError:
            seen.hung = True
        except (OSError, httptools.HttpParserError) as error:
            seen.failed = type(error).__name__
        seen.ended_at = self._clock()

    async def _connect(self, sock: socket.socket, plan: Plan) -> None:
        if plan.manner == "reads slowly":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
        with suppress(OSError):
            sock.getpeername()
            return
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self._address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def _once(self, sock: socket.socket, plan: Plan, seen: Seen) -> None:
        loop = asyncio.get_running_loop()
        parsing = _Parsing(seen)
        try:
            if not await self._send(sock, plan, seen):
                return
            if plan.manner == "leaves before the answer":
                await asyncio.sleep(plan.leaves_after_s)
                seen.left = True
                return
            if plan.manner == "closes one side":
                seen.left = True  # whether it is still answered is the server's choice
                sock.shutdown(socket.SHUT_WR)
            read_bytes = 0
            while not seen.ended:
                slowly = plan.manner == "reads slowly" and read_bytes < _SLOW_BYTES
                data = await loop.sock_recv(sock, 1 if slowly else 65536)
                if not data:
                    return
                read_bytes += len(data)
                parsing.feed(data)
                if slowly:
                    await asyncio.sleep(0.01)
                if plan.manner == "leaves in the answer" and read_bytes >= plan.leaves_after_bytes:
                    seen.left = True
                    return
        finally:
            parsing.close()

    async def _send(self, sock: socket.socket, plan: Plan, seen: Seen) -> bool:
        """False: it left before all was sent."""
        loop, random = asyncio.get_running_loop(), Random(plan.number)
        if plan.manner == "leaves in its body":
            await loop.sock_sendall(sock, plan.head() + plan.body[: len(plan.body) // 2])
            await asyncio.sleep(plan.leaves_after_s)
            seen.left = True
            return False
        if plan.manner == "sends slowly":
            data = plan.head() + plan.body
            cuts = sorted(random.randrange(1, len(data)) for _ in range(5))
            for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                await loop.sock_sendall(sock, data[begin:end])
                await asyncio.sleep(random.random() * 0.3)
        else:
            await loop.sock_sendall(sock, plan.head() + plan.body)
        seen.body_sent = True
        return True
