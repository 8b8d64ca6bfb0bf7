"""One canary request through the gateway, without a socket in front of it, and the text of its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tidegate.asgi import Scope
from tidegate.core.jsonvalue import as_list, as_object


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def all_bytes(self) -> bytes:
        lines = "\r\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return lines.encode() + b"\r\n\r\n" + self.body


async def ask(asgi: Any, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    sent = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    pending: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return pending.pop() if pending else await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    pairs = [(name.lower().encode(), value.encode("utf-8", "replace")) for name, value in sent.items()]
    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": pairs}
    await asgi(scope, receive, send)
    start, *rest = got
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Reply(start["status"], told, b"".join(message.get("body", b"") for message in rest))


def text_of(body: bytes) -> str:
    """What an answer says, whole or streamed, on any surface, put together from its pieces."""
    data = body.lstrip()
    if data.startswith((b"{", b"[")):
        return "".join(_texts(json.loads(data)))
    said: list[str] = []
    for line in body.splitlines():
        if line.startswith(b"data: {"):
            with suppress(json.JSONDecodeError):
                said += _texts(json.loads(line[6:]))
    return "".join(said)


def _texts(value: Any) -> Iterator[str]:
    """The strings named `text` or `content`, in order."""
    if (members := as_object(value)) is not None:
        for name, inner in members.items():
            if name in ("text", "content") and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    for inner in as_list(value) or ():
        yield from _texts(inner)
