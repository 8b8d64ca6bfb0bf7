"""A backend whose answers are in the test's hand, and a client that reads a stream piece by piece. Nobody sleeps."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.support.upstreams import (
    DONE,
    STREAM,
    USAGE,
    Request,
    Upstream,
    chunk,
    head,
    in_chunk,
    is_streamed,
    whole_reply,
)

PATIENCE_S = 60.0
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}]}


class HeldUpstream(Upstream):
    """Begins each answer, says so, and goes on when it is told. `left` has one for each whose reader has gone."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.begun: queue.Queue[None] = queue.Queue()
        self.left: queue.Queue[None] = queue.Queue()
        self._go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await super().start()

    def go(self) -> None:
        """All answers go on, those to come too."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._go.set)

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        streamed = is_streamed(request.body)
        if streamed:
            begin = in_chunk(STREAM[0]), in_chunk(chunk({"content": "first"}))
            await request.reply(head("200 OK", "text/event-stream"), *begin)
        self.begun.put(None)
        if not await self._may_go_on(request):
            self.left.put(None)
            return False
        rest = chunk({"content": " last"}), chunk({"content": ""}, "stop", USAGE), DONE, b""
        await request.reply(*(map(in_chunk, rest) if streamed else (whole_reply(request.body),)))
        return False

    async def _may_go_on(self, request: Request) -> bool:
        leaving, going = asyncio.create_task(request.peer_has_left()), asyncio.create_task(self._go.wait())
        try:
            await asyncio.wait((leaving, going), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, going):
                task.cancel()
        return going.done() and not going.cancelled()


class Stream:
    """An answer as its client reads it, in a thread of its own."""

    def __init__(self, connection: HTTPConnection, model: str, **fields: Any) -> None:
        self._connection = connection
        self._body = json.dumps({"model": model, "stream": True, **BODY, **fields})
        self.response: HTTPResponse | None = None
        self.lines: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        self._connection.request("POST", "/chat/completions", self._body, {"Content-Type": "application/json"})
        self.response = self._connection.getresponse()
        self.lines += self.response.read().splitlines()

    def ended(self) -> HTTPResponse:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the answer has not ended"
        assert self.response is not None
        return self.response

    @property
    def events(self) -> list[Any]:
        said = [line.removeprefix(b"data: ") for line in self.lines if line.startswith(b"data: ")]
        return [json.loads(one) for one in said if one != b"[DONE]"]

    @property
    def text(self) -> str:
        return "".join(one["choices"][0]["delta"].get("content") or "" for one in self.events if "choices" in one)

    @property
    def error(self) -> str | None:
        return next((one["error"]["message"] for one in self.events if "error" in one), None)

    @property
    def done(self) -> bool:
        return b"data: [DONE]" in self.lines


@contextmanager
def streaming(port: int, model: str, **fields: Any) -> Generator[Stream]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        yield Stream(connection, model, **fields)
    finally:
        connection.close()
