"""One HTTP/1.1 connection to an upstream, on httptools. Knows bytes and time-outs, nothing of routing or JSON.

Our own client because it is most of a gateway's cost (`docs/decisions/0002-own-upstream-client.md`). Never follows
redirects, never decompresses, reads no environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools

from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BrokenContract, GatewayError

_HEADER_LIMIT_BYTES = 64 * 1024
_BUFFER_LIMIT_BYTES = 512 * 1024
_LINGER_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait: for a connection, for the answer's first byte, between two pieces of it.

    `load_s` stands for `first_byte_s` where a model must be loaded first; `queue_s` is the wait for a slot.
    """

    connect_s: float = 5.0
    first_byte_s: float = 600.0
    idle_s: float = 300.0
    load_s: float = 600.0
    queue_s: float = 600.0


class StaleConnection(Exception):
    """A kept-alive connection had been closed by the upstream before it read anything of the request."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: `request`, then `read` until b"", then `release`."""

    def __init__(self, limits: Limits, on_idle: Callable[[Connection], None]) -> None:
        self._limits = limits
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._uses = 0
        self.closed = False
        self._reset()

    def _reset(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._named_bytes = 0
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0
        self._paused = False
        self._heard = False
        self._headers_done = False
        self._framed = False
        self._complete = False
        self._keep_alive = False
        self._before_body_s = 0.0
        self._left = False
        self._error: GatewayError | StaleConnection | None = None

    # Called by the pool.

    async def request(self, payload: bytes, first_byte_s: float | None = None) -> None:
        """Send a whole request and wait for the answer's headers; `first_byte_s` stands for the usual limit.

        A server that must load a model may send its headers before: the same limit holds up to the body's first byte.
        """
        if self._uses:
            self._reset()
        self._uses += 1
        assert self._transport is not None
        self._transport.write(payload)
        self._before_body_s = first_byte_s or 0.0
        while not self._headers_done and self._error is None:
            await self._wait(first_byte_s or self._limits.first_byte_s)
        if self._error is not None:
            raise self._error

    async def read(self) -> bytes:
        """What has arrived since the last read; b"" after the whole answer."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._complete:
                return b""
            await self._wait(max(self._limits.idle_s, self._before_body_s))
        self._before_body_s = 0.0
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._buffered_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def release(self, *, ended: bool) -> None:
        """Done with this answer. `ended` says that all that mattered was read: the rest may still trickle in."""
        self._left = True
        if self._complete and not self.closed:
            self._go_idle()
        elif ended and not self.closed:
            self._timer_off()
            self._timer = self._loop.call_later(_LINGER_S, self.abort)
        else:
            self.abort()

    @property
    def is_over(self) -> bool:
        """Also when its end is known to the event loop and was not told yet."""
        return self.closed or (self._transport is not None and self._transport.is_closing())

    def abort(self) -> None:
        self._timer_off()
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._complete:
            self.abort()  # more than was asked for: whatever it is, it must not meet the next request
            return
        if not self._headers_done:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_LIMIT_BYTES + len(data):
                self._fail(BrokenContract("the backend's answer has too many headers"))
                return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(BrokenContract("the backend's answer is not HTTP/1.1"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._complete:
            return
        if self._headers_done and not self._framed:
            self._complete = True  # a body without length or chunks ends with its connection
            self._wake()
        elif not self._heard and self._uses > 1:
            self._fail(StaleConnection())
        elif self._headers_done:
            self._fail(BrokenContract("the backend closed the connection in the middle of its answer"))
        else:
            self._fail(BackendUnreachable("the backend closed the connection without an answer"))

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._complete:
            self.abort()  # a second answer in the same piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete:
            return
        self._named_bytes += len(name) + len(value)
        if self._named_bytes > _HEADER_LIMIT_BYTES:
            self._fail(BrokenContract("the backend's answer has too many headers"))
            return
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
            return
        self._headers_done = True
        self._framed = b"content-length" in self.headers or b"transfer-encoding" in self.headers
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self._left or self._complete:
            return
        self._pieces.append(body)
        self._buffered_bytes += len(body)
        if self._buffered_bytes > _BUFFER_LIMIT_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self.status < 200:
            return
        if self._complete:
            return
        # Must be asked here: afterwards the parser has forgotten (httptools 0.9.0, 2026-11-22).
        self._keep_alive = self._parser.should_keep_alive()
        self._complete = True
        self._wake()
        if self._left:
            self._go_idle()

    # Inside.

    async def _wait(self, limit_s: float) -> None:
        self._deadline = self._loop.time() + limit_s
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer_off()  # it was set for a longer limit
        if self._timer is None:
            self._timer = self._loop.call_later(limit_s, self._check_deadline)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _check_deadline(self) -> None:
        """One timer for many waits: it looks again at the deadline instead of being set anew for every piece."""
        self._timer = None
        if self._waiter is None:
            return
        remaining_s = self._deadline - self._loop.time()
        if remaining_s > 0:
            self._timer = self._loop.call_later(remaining_s, self._check_deadline)
            return
        what = "sent nothing more" if self._headers_done else "did not begin to answer"
        self._fail(BackendTimedOut(f"the backend {what} in time"))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: GatewayError | StaleConnection) -> None:
        if self._error is None:
            self._error = error
            if isinstance(error, GatewayError):
                error.after_sending = True
        self.abort()
        self._wake()

    def _go_idle(self) -> None:
        self._timer_off()
        if self._keep_alive and not self.closed and self._error is None:
            if self._paused and self._transport is not None:
                self._paused = False
                self._transport.resume_reading()
            self._on_idle(self)
        else:
            self.abort()

    def _timer_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def read_whole(connection: Connection, limit_bytes: int) -> bytes:
    """The rest of an answer, as far as it stays within the limit."""
    pieces: list[bytes] = []
    size_bytes = 0
    while piece := await connection.read():
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise BrokenContract(f"the backend's answer is larger than {limit_bytes} bytes")
        pieces.append(piece)
    return b"".join(pieces)
