"""The one ASGI callable that the HTTP server knows: it hands each request to the surfaces of the newest configuration.

What is under way stays with the surfaces that began it, so an exchange is read, decided and sent under one configuration.
When the gateway is told to stop, nothing new is begun here, and what is open at the deadline is cut. Knows no format.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from tidegate.asgi import Handler, Header, Receive, Scope, Send, respond
from tidegate.core.errors import Draining
from tidegate.core.timers import Timers
from tidegate.resilience.rules import CLOSED, CUT
from tidegate.surfaces.errors import error_body, error_headers

RETRY_AFTER_S = 5
"""What refused clients are told: a restart takes about that long."""
LAST_WORDS_S = 2.0
"""How long an answer that was cut may take to say so; a client that does not read would hold it for ever."""
_CLOSE: Header = (b"connection", b"close")
_STILL_TOLD = ("/-/health", "/-/status", "/metrics")
_CUT = f"The gateway was stopped before this answer was complete ({CUT.code}); ask again"
_REFUSED = f"The gateway is being stopped and takes no new requests ({CLOSED.code}); ask again in a moment"


class Drain:
    """What is open, over all configurations, and how far the stopping is. One for the life of the process."""

    def __init__(self, timers: Callable[[], Timers] = asyncio.get_running_loop) -> None:
        self.draining = False
        self.cutting = False
        """The deadline has passed: what is open is cut."""
        self.cut = 0
        """How many were."""
        self._timers = timers
        self._open: set[asyncio.Task[Any]] = set()
        self._emptied: asyncio.Event | None = None

    @property
    def open(self) -> int:
        return len(self._open)

    def enter(self, task: asyncio.Task[Any]) -> None:
        self._open.add(task)

    def leave(self, task: asyncio.Task[Any]) -> None:
        self._open.discard(task)
        if self._emptied is not None and not self._open:
            self._emptied.set()

    async def drained(self, limit_s: float) -> None:
        """Refuse what is new; returns when nothing is open, at the latest soon after the limit."""
        self.draining = True
        if not self._open:
            return
        self._emptied = asyncio.Event()
        deadline = self._timers().call_later(limit_s, self.cut_open)
        await self._emptied.wait()
        deadline.cancel()

    def cut_open(self) -> None:
        """The deadline, or a second signal: every open answer ends now, with an error inside it."""
        self.draining = True
        if self.cutting:
            return
        self.cutting = True
        self.cut = len(self._open)
        self._cancel()
        self._timers().call_later(LAST_WORDS_S, self._cancel)

    def cut_error(self) -> Draining | None:
        """For a task that was cancelled: the error to end with if it was cut here; None: it was something else."""
        if not self.cutting:
            return None
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        return Draining(_CUT, retry_after_s=RETRY_AFTER_S)

    def _cancel(self) -> None:
        for task in self._open:
            task.cancel()


class Served:
    """The surfaces of one configuration, and how many requests are open there."""

    __slots__ = ("_over", "handler", "open")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.open = 0
        self._over: asyncio.Event | None = None

    def leave(self) -> None:
        self.open -= 1
        if self._over is not None and not self.open:
            self._over.set()

    async def over(self) -> None:
        """Returns when its last request is answered. Nothing new may come."""
        if self.open:
            self._over = asyncio.Event()
            await self._over.wait()


class Front:
    def __init__(self, handler: Handler, drain: Drain) -> None:
        self.served = Served(handler)
        self.drain = drain

    def take(self, handler: Handler) -> Served:
        """From now on requests go here. Gives what served before, which may have some open."""
        before, self.served = self.served, Served(handler)
        return before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served, drain, task = self.served, self.drain, asyncio.current_task()
        assert task is not None
        if drain.draining and not _still_told(scope):
            await _refuse(scope, send)
            return
        if drain.draining:
            send = _closing(send)
        served.open += 1
        drain.enter(task)
        try:
            await served.handler(scope, receive, send)
        finally:
            drain.leave(task)
            served.leave()


def _still_told(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in _STILL_TOLD


async def _refuse(scope: Scope, send: Send) -> None:
    if scope.get("path") == "/-/ready":
        await respond(send, 503, orjson.dumps({"status": "draining"}), [_CLOSE])
        return
    error = Draining(_REFUSED, retry_after_s=RETRY_AFTER_S)
    await respond(send, error.status, error_body(error), [*error_headers(error), _CLOSE])


def _closing(send: Send) -> Send:
    """Tells the client that this was the last answer on its connection."""

    async def told(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], _CLOSE]
        await send(message)

    return told
