"""The bytes that go to one client: head once, body after it, and the faults that spoil bytes. Knows no JSON."""

from __future__ import annotations

from tidegate.asgi import Header, Send
from tidegate.simulator.refusals import Refusal

STREAM_TYPE = "text/event-stream; charset=utf-8"


class Broken(Exception):
    """The connection is to be closed without a proper end: the application returns, and the server does it."""


class Delivery:
    """`cut_after` is the number of body bytes after which the connection breaks."""

    def __init__(self, send: Send, request_id: str, cut_after: int | None = None) -> None:
        self._send = send
        self._headers: list[Header] = [
            (b"x-request-id", request_id.encode()),
            (b"x-deepseek-request-id", request_id.encode()),
        ]
        self._left = cut_after
        self.started = False

    async def begin(self, content_type: str, *, status: int = 200, length: int | None = None) -> None:
        """The head. Without a length the body is chunked."""
        self.started = True
        headers = list(self._headers)
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", b"%d" % length))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        if self._left is not None and len(data) > self._left:
            await self._send({"type": "http.response.body", "body": data[: self._left], "more_body": True})
            raise Broken
        if self._left is not None:
            self._left -= len(data)
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def whole(self, body: bytes, content_type: str, status: int = 200) -> None:
        """An answer in one piece; after keep-alives the head is out and only the body is left to send."""
        if not self.started:
            await self.begin(content_type, status=status, length=len(body))
        await self.write(body)
        await self.end()

    async def refuse(self, refused: Refusal) -> None:
        await self.whole(refused.body, refused.content_type, refused.status)
