"""Real HTTP servers on loopback for tests: a cloud that writes down every byte, and a local backend that fails as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
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
]
FAILURES: tuple[Failure, ...] = get_args(Failure)

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def answer(text: str = "Hello there.", model: str = "m") -> bytes:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "prompt_cache_hit_tokens": 0}
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


USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "prompt_cache_hit_tokens": 0}
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


async def read_request(reader: Reader) -> tuple[bytes, bytes] | None:
    """Head and body of the next request on this connection; None at its end."""
    try:
        start = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = next((int(line[15:]) for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return start, await reader.readexactly(length)


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
    """A server on a free loopback port. `on_request` writes the reply; returning False closes the connection."""

    def __init__(self, on_request: Callable[[bytes, bytes, Writer], Awaitable[bool]]) -> None:
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
            while (request := await read_request(reader)) is not None:
                if not await self._on_request(*request, writer):
                    break
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            self._serving.discard(task)
            writer.transport.abort()


class RecordingCloud(Upstream):
    """Answers everything rightly and keeps every byte that reached it."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.heard = bytearray()
        self.requests = 0

    async def _answer(self, start: bytes, body: bytes, writer: Writer) -> bool:
        self.heard += start + body
        self.requests += 1
        writer.write(whole_reply(body))
        return True


class FailingLocal(Upstream):
    """Fails as `failure` says. A redirect points at the cloud, as a hostile or misconfigured proxy would."""

    def __init__(self, cloud: Upstream) -> None:
        super().__init__(self._answer)
        self.failure: Failure = "none"
        self._cloud = cloud

    async def _answer(self, start: bytes, body: bytes, writer: Writer) -> bool:
        match self.failure:
            case "none":
                writer.write(whole_reply(body))
                return True
            case "closes":
                return False
            case "hangs":
                await asyncio.Event().wait()
            case "500" | "503" | "429" | "401" | "404":
                quoting = json.dumps({"error": {"message": body.decode(errors="replace")}}).encode()
                writer.write(head(f"{self.failure} Failed", length=len(quoting)) + quoting)
                return True
            case "redirects to the cloud":
                location = f"Location: {self._cloud.url}/chat/completions"
                writer.write(head("307 Temporary Redirect", "text/plain", location, length=0))
                return True
            case "dies mid-stream":
                writer.write(head("200 OK", "text/event-stream") + in_chunk(STREAM[0]) + in_chunk(STREAM[1]))
            case "never says done":
                writer.write(head("200 OK", "text/event-stream") + b"".join(map(in_chunk, STREAM[:-1])) + in_chunk(b""))
                return True
            case "error event":
                event = b'data: {"error":{"message":"no"}}\n\n'
                writer.write(head("200 OK", "text/event-stream") + in_chunk(STREAM[0] + event) + in_chunk(b""))
                return True
            case "not HTTP":
                writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            case "not JSON":
                writer.write(head("200 OK", length=5) + b"<htm>")
                return True
            case "empty answer":
                writer.write(head("200 OK", length=0))
                return True
            case "wrong shape":
                writer.write(head("200 OK", length=14) + b'{"choices":[]}')
                return True
            case "too many headers":
                writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return False
