"""Calls an ASGI application without a socket in front of it. Buffers, so it tells nothing about the timing of streams."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


async def call(app: Any, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
    sent_headers = {"host": "127.0.0.1", "content-type": "application/json", **(headers or {})}
    pending = [{"type": "http.request", "body": body, "more_body": False}]
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop()
        return await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    pairs = [(name.lower().encode(), value.encode()) for name, value in sent_headers.items()]
    path, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
    await app(scope, receive, send)
    assert got, "the application answered nothing"
    start, *rest = got
    return Reply(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
    )
