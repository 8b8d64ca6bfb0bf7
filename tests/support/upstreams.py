"""Real HTTP servers on loopback for tests: a cloud that writes down every byte, and a local backend that fails as told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, get_args

Failure = Literal[
    "none",
    "closes",
    "hangs",
    "500",
    "503",
    "429",
    "401",
    "404",
    "redirects to the cloud",
    "dies mid-stream",
    "never says done",
    "error event",
    "not HTTP",
    "not JSON",
    "empty answer",
    "wrong shape",
    "too many headers",
    "loading",
]
FAILURES: tuple[Failure, ...] = get_args(Failure)

LOADING = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
"""As llama.cpp b11549 says it, run 2026-11-22."""

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def answer(text: str = "Hello there.", model: str = "m") -> bytes:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 500, "completion_tokens": 3, "total_tokens": 503, "prompt_cache_hit_tokens": 0}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    whole = {"id": "a", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
    return json.dumps(whole, separators=(",", ":")).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, usage: dict[str, Any] | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    body: dict[str, Any] = {
        "id": "a",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    if usage is not None:
        body["usage"] = usage
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


USAGE = {"prompt_tokens": 500, "completion_tokens": 3, "total_tokens": 503, "prompt_cache_hit_tokens": 0}
DONE = b"data: [DONE]\n\n"
STREAM = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hello "}),
    chunk({"content": "there."}),
    chunk({"content": ""}, "stop", USAGE),
    DONE,
)


def head(status: str, kind: str = "application/json", *more: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def in_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, and the connection to answer on."""

    head: bytes
    body: bytes
    reader: Reader
    writer: Writer

    async def reply(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))
        await self.writer.drain()

    async def peer_has_left(self) -> None:
        """Returns when the other side has closed."""
        with suppress(ConnectionError):
            await self.reader.read()


async def read_request(reader: Reader, writer: Writer) -> Request | None:
    """The next request on this connection; None at its end."""
    try:
        start = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = next((int(line[15:]) for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return Request(start, await reader.readexactly(length), reader, writer)


def is_streamed(body: bytes) -> bool:
    return bool(body) and json.loads(body).get("stream") is True


def whole_reply(body: bytes) -> bytes:
    """A right answer to this request, streamed or not."""
    if not body:
        models = b'{"object":"list","data":[{"id":"m","object":"model","owned_by":"test"}]}'
        return head("200 OK", length=len(models)) + models
    if is_streamed(body):
        return head("200 OK", "text/event-stream") + b"".join(map(in_chunk, STREAM)) + in_chunk(b"")
    return head("200 OK", length=len(answer())) + answer()


class Upstream:
    """A server on a free loopback port. `on_request` replies; returning False closes the connection."""

    def __init__(self, on_request: Callable[[Request], Awaitable[bool]]) -> None:
        self._on_request = on_request
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while (request := await read_request(reader, writer)) is not None:
                if not await self._on_request(request):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            self._serving.discard(task)
            writer.transport.abort()


@contextmanager
def served(upstream: Upstream) -> Generator[Upstream]:
    """The server in a thread of its own, for tests that block."""
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        await upstream.start()
        ready.set()
        await stopped.wait()
        await upstream.stop()

    stopped = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        loop.close()


class RecordingCloud(Upstream):
    """Answers everything rightly and keeps every byte that reached it."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.heard = bytearray()
        self.requests = 0

    async def _answer(self, request: Request) -> bool:
        self.heard += request.head + request.body
        self.requests += 1
        await request.reply(whole_reply(request.body))
        return True


LLAMACPP_PROPS = b'{"default_generation_settings":{}}'


class FailingLocal(Upstream):
    """A llama.cpp, by its fingerprint, that fails as `failure` says. A redirect points at the cloud, as a hostile proxy would."""

    def __init__(self, cloud: Upstream) -> None:
        super().__init__(self._answer)
        self.failure: Failure = "none"
        self._cloud = cloud

    async def _answer(self, request: Request) -> bool:
        if request.head.startswith(b"GET /props "):
            await request.reply(head("200 OK", length=len(LLAMACPP_PROPS)), LLAMACPP_PROPS)
            return True
        if self.failure == "hangs":
            await request.peer_has_left()
        reply, stays_open = failing_reply(self.failure, request.body, self._cloud.url)
        await request.reply(reply)
        return stays_open


def failing_reply(failure: Failure, body: bytes, cloud_url: str) -> tuple[bytes, bool]:
    """What is answered, and whether the connection stays open."""
    stream = head("200 OK", "text/event-stream")
    quoting = json.dumps({"error": {"message": body.decode(errors="replace")}}).encode()
    location = f"Location: {cloud_url}/chat/completions"
    replies: dict[str, tuple[bytes, bool]] = {
        "none": (whole_reply(body), True),
        "closes": (b"", False),
        "redirects to the cloud": (head("307 Temporary Redirect", "text/plain", location, length=0), True),
        "dies mid-stream": (stream + in_chunk(STREAM[0]) + in_chunk(STREAM[1]), False),
        "never says done": (stream + b"".join(map(in_chunk, STREAM[:-1])) + in_chunk(b""), True),
        "error event": (stream + in_chunk(STREAM[0] + b'data: {"error":{"message":"no"}}\n\n') + in_chunk(b""), True),
        "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        "not JSON": (head("200 OK", length=5) + b"<htm>", True),
        "empty answer": (head("200 OK", length=0), True),
        "wrong shape": (head("200 OK", length=14) + b'{"choices":[]}', True),
        "loading": (head("503 Service Unavailable", length=len(LOADING)) + LOADING, True),
        "too many headers": (head("200 OK", "text/plain", "X-Pad: " + "a" * 70_000, length=0), False),
    }
    # All others are statuses, with a body that repeats the prompt as a careless server would.
    return replies.get(failure) or (head(f"{failure} Failed", length=len(quoting)) + quoting, True)
