"""The servers of a canary run, on loopback: a sink that keeps every byte, and a machine at home that fails as it is told.

The sink answers as the hosted API does and says back what it was asked, so that pseudonyms come home and are restored.
"""

from __future__ import annotations

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from tidegate.app.canary_answers import STREAM_HEAD, answer, chunk, event, in_chunk, model_list, whole

Failure = Literal["none", "refused", "503", "loading", "cut", "error event", "hangs"]
FAILURES: tuple[Failure, ...] = ("refused", "503", "loading", "cut", "error event", "hangs")
MARKER = re.compile(rb"cn(\d{6})q")
"""A request's number, in its own text."""
_LOADING = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
"""As llama.cpp b11549 says it, run 2026-11-22."""
_BALANCE = b'{"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"10.00"}]}'
_SIZES = (1, 2, 3, 5, 7, 64)
_LIMIT_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Heard:
    """All bytes of one request that a sink got. `number` is -1 where no marker was in it."""

    backend: str
    number: int
    data: bytes = field(repr=False)


def number_in(data: bytes) -> int:
    return max(map(int, MARKER.findall(data)), default=-1)


class Server(ABC):
    """One HTTP server on a free port of this machine. `reply` gives what is sent."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listens, the second time at the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_LIMIT_BYTES)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(found[1])) if found else b""
        for piece in self.reply(head, body):
            if piece is None:  # nothing more, until the other side gives up
                await reader.read()
                return False
            writer.write(piece)
            await writer.drain()
        return not self.cuts(body)

    @abstractmethod
    def reply(self, head: bytes, body: bytes) -> Iterator[bytes | None]:
        """What is answered, piece by piece; None: nothing more, and the line stays open."""

    def cuts(self, body: bytes) -> bool:
        return False


class Sink(Server):
    """Stands for one external backend."""

    def __init__(self, backend: str, models: tuple[str, ...], heard: Callable[[Heard], None]) -> None:
        super().__init__()
        self._backend, self._models, self._heard = backend, models, heard

    def reply(self, head: bytes, body: bytes) -> Iterator[bytes | None]:
        number = number_in(body)
        self._heard(Heard(self._backend, number, head + body))
        if not body:
            yield whole(_BALANCE if b"/user/balance " in head else model_list(self._models))
            return
        yield from answer(head, body, _SIZES[number % len(_SIZES)])


class Home(Server):
    """Stands for one backend inside the boundary."""

    def __init__(self, models: tuple[str, ...]) -> None:
        super().__init__()
        self._models = models
        self.failure: Failure = "none"

    def cuts(self, body: bytes) -> bool:
        return bool(body) and self.failure == "cut"

    def reply(self, head: bytes, body: bytes) -> Iterator[bytes | None]:
        if not body:
            yield whole(model_list(self._models))
            return
        match self.failure:
            case "hangs":
                yield None
            case "503":
                # A careless server: its error repeats the prompt.
                said = json.dumps({"error": {"message": body.decode(errors="replace")}}).encode()
                yield whole(said, "503 Service Unavailable")
            case "loading":
                yield whole(_LOADING, "503 Service Unavailable")
            case "cut":
                pieces = [piece for piece in answer(head, body, _SIZES[-1]) if piece]
                yield b"".join(pieces)[:-40]
            case "error event":
                if not json.loads(body).get("stream"):
                    yield whole(b'{"error":{"message":"no"}}')
                    return
                said = b'data: {"error":{"message":"no"}}\n\n'
                yield STREAM_HEAD + in_chunk(event(chunk({"role": "assistant", "content": ""}))) + in_chunk(said)
                yield in_chunk(b"")
            case "none" | "refused":
                yield from answer(head, body, _SIZES[-1])
