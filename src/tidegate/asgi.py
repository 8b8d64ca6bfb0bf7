"""The little of ASGI that surfaces and simulator share: reading a body within bounds, answering, noticing a client leave.

Plain ASGI, no framework, because this is the hot path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from tidegate.core.errors import BodyTooLarge, ClientLeft, PolicyRefusal, UnsupportedMedia
from tidegate.core.timers import Timers

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON_TYPE: Header = (b"content-type", b"application/json")
STREAM_HEADERS: list[Header] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_UNWATCHED_S = 0.02
_DRAINED_BYTES = 64 * 1024 * 1024


def header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def require_json(scope: Scope) -> None:
    """JSON only. This also keeps web pages out: a browser asks before it sends JSON across origins, and gets no leave."""
    kind = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMedia("Expected request with `Content-Type: application/json`")


def require_local_name(scope: Scope, otherwise: str) -> None:
    """Where no key is asked for: a web page whose name was re-bound to 127.0.0.1 sends its own name as Host."""
    host = (header(scope, b"host") or "localhost").lower()
    name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
    try:
        local = ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        local = name == "localhost"
    if not local:
        raise PolicyRefusal(f"The Host header is not a local name; use http://127.0.0.1 or {otherwise}")


async def read_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """The whole body. A too large one is read to its end and thrown away, so that the client reads the answer."""
    pieces: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft("the client left while sending its request")
        piece: bytes = message.get("body", b"")
        size_bytes += len(piece)
        if size_bytes <= limit_bytes:
            pieces.append(piece)
        elif size_bytes > _DRAINED_BYTES:
            break
        if not message.get("more_body", False):
            break
    if size_bytes > limit_bytes:
        raise BodyTooLarge(
            f"The request body is larger than {limit_bytes} bytes; shorten it or raise `[server] body_limit_bytes`"
        )
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def respond(send: Send, status: int, body: bytes, headers: list[Header] | None = None) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [JSON_TYPE, length, *(headers or ())]})
    await send({"type": "http.response.body", "body": body})


class ClientWatch:
    """Cancels the task inside the block when the client disconnects. Only after the body has been read.

    Begins to watch after a moment: a watching task costs more than a short answer, and a client that left in that
    moment is noticed when it is over. `then` is called in that moment too, for what else only a longer answer needs.
    """

    __slots__ = ("_left", "_receive", "_task", "_then", "_timer", "_timers", "_watching")

    def __init__(
        self,
        receive: Receive,
        then: Callable[[], object] | None = None,
        timers: Callable[[], Timers] = asyncio.get_running_loop,
    ) -> None:
        self._receive = receive
        self._then = then
        self._timers = timers
        self._left = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timer = self._timers().call_later(_UNWATCHED_S, self._begin)

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._left and kind is not None and issubclass(kind, asyncio.CancelledError):
            self._task.uncancel()
            raise ClientLeft("the client left") from None

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        if self._then is not None:
            self._then()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()
