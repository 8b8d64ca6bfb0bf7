"""A request to an ASGI application that is still being answered: what has been sent so far, and a client that may leave."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.hands import breath


class Talk:
    """Begins at once; `done` is the application's own end."""

    def __init__(self, app: Any, path: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        """Whether the client reads; while it does not, whoever sends waits."""
        self.takes.set()
        self._left = asyncio.Event()
        self._request = [{"type": "http.request", "body": body, "more_body": False}]
        named = {"host": "127.0.0.1", "content-type": "application/json", **(headers or {})}
        pairs = [(name.encode(), value.encode()) for name, value in named.items()]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": pairs}
        self.done = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if self._request:
            return self._request.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        await asyncio.sleep(0)
        await self.takes.wait()

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def ended(self) -> bool:
        """Whether the answer has its proper end."""
        return len(self.sent) > 1 and not self.sent[-1].get("more_body", False)

    async def leave(self) -> None:
        """The client goes, and is seen to be gone."""
        self._left.set()
        await asyncio.wait([self.done])
        await breath()
