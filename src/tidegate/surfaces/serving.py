"""The HTTP server under the surfaces: uvicorn, with the head of an answer and its first bytes in one write.

uvicorn 0.54 writes them separately; on this path that is one system call in five, and a packet more for the client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BACKLOG = 2048
_KEEP_ALIVE_S = 75
_FAREWELL_S = 0.5
_LEFT_WITHOUT_END = "ASGI callable returned without completing response"


class JoinedWrites:
    """A transport that holds an answer's head until the bytes after it come; all else is the transport below."""

    def __init__(self, below: asyncio.Transport) -> None:
        self._below = below
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 2") and data.endswith(b"\r\n\r\n"):
            self._head = data
            return
        self._below.write(data)

    def close(self) -> None:
        if self._head:
            self._below.write(self._head)
            self._head = b""
        self._below.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


class JoiningProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(JoinedWrites(transport))  # pyright: ignore[reportArgumentType]


class HttpServer(uvicorn.Server):
    """Signals are the command's: uvicorn would raise them again after its own stop and cut off ours."""

    drain: Callable[[], Awaitable[None]] | None = None
    """Waits until what is open has ended, after nobody can connect any more."""

    def capture_signals(self) -> AbstractContextManager[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return nullcontext()

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Who is connected and idle stays so while others are answered: uvicorn would cut off a request on its way, here
        it is told where it stands. Busy connections close after their answer."""
        if self.drain is not None:
            for listening in (*self.servers, *(sockets or ())):
                listening.close()
            idle = [connection for connection in self._connections() if _is_idle(connection)]
            for connection in self._connections():
                if not _is_idle(connection):
                    connection.cycle.keep_alive = False
            await self.drain()
            asyncio.get_running_loop().call_later(_FAREWELL_S, self._cut_off, idle)
        await super().shutdown(sockets)

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    def _cut_off(self, idle: list[Any]) -> None:
        """A client that is idle does not answer the farewell of TLS before it uses its connection again."""
        for connection in idle:
            if connection in self.server_state.connections and _is_idle(connection):
                connection.transport.abort()


def _is_idle(connection: Any) -> bool:
    return connection.cycle is None or connection.cycle.response_complete


def _tells_something(record: logging.LogRecord) -> bool:
    """Open answers are cut when the server has been told to stop: that is no failure, and its trace helps nobody.

    Neither is a whole answer without its end: it is left so when a backend fails after a keep-alive, and the ledger has it.
    """
    was_cut = bool(record.exc_info) and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not was_cut and not str(record.msg).startswith(("Cancel %s running task(s)", _LEFT_WITHOUT_END))


def http_server(app: Any, *, drain_s: int, tls: Any = None) -> HttpServer:
    """A server for this ASGI application; on stop, open answers get `drain_s` seconds to end. `tls`, an `SSLContext`,
    makes it HTTPS."""
    logging.getLogger("uvicorn.error").addFilter(_tells_something)
    config = uvicorn.Config(
        app,
        http=JoiningProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s,
    )
    config.load()
    config.ssl = tls
    return HttpServer(config)
