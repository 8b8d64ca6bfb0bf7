"""The servers of a canary run, on loopback: a sink that keeps every byte, and a machine at home that fails as it is told.

The sink answers as the hosted API does and says back what it was asked, so that pseudonyms come home and are restored.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

Failure = Literal["none", "refused", "503", "loading", "cut", "error event", "hangs"]
FAILURES: tuple[Failure, ...] = ("refused", "503", "loading", "cut", "error event", "hangs")
MARKER = re.compile(rb"cn(\d{6})q")
"""A request's number, in its own text."""
_USAGE = {"prompt_tokens": 9000, "completion_tokens": 3, "total_tokens": 9003, "prompt_cache_hit_tokens": 0}
"""More than any prompt here has words: a server that counts fewer has cut it (REQ030)."""
_LOADING = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
"""As llama.cpp b11549 says it, run 2026-11-22."""
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


class Server:
    """One HTTP server on a free port of this machine. `reply` gives what is sent; None: the connection is cut."""

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

    def reply(self, head: bytes, body: bytes) -> Iterator[bytes | None]:
        raise NotImplementedError

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
            yield whole(_model_list(self._models))
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
            yield whole(_model_list(self._models))
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
                yield _STREAM_HEAD + _in_chunk(_event(_chunk({"role": "assistant", "content": ""}))) + _in_chunk(said)
                yield _in_chunk(b"")
            case "none" | "refused":
                yield from answer(head, body, _SIZES[-1])


# -- answers in the shape of the hosted API ----------------------------------------------------------------------------

_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_TYPE = b"Content-Type: application/json\r\n"


def whole(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status.encode(), _TYPE, len(body), body)


def answer(head: bytes, body: bytes, size: int) -> Iterator[bytes]:
    """A right answer that repeats what was asked; in streams `size` characters at a time."""
    asked = json.loads(body)
    path = head.split(b" ", 2)[1]
    text = "You said: " + said_in(asked)
    if path.endswith(b"/api/chat"):
        yield whole(json.dumps(_ollama(text)).encode() + b"\n")
        return
    events = _messages_events if path.endswith(b"/messages") else _chat_events
    if not asked.get("stream"):
        yield whole(json.dumps(_whole_message(text) if path.endswith(b"/messages") else _whole_chat(text)).encode())
        return
    is_fim = path.endswith(b"/completions") and not path.endswith(b"/chat/completions")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    data = b"".join(_fim_events(pieces) if is_fim else events(pieces))
    yield _STREAM_HEAD + b"".join(_in_chunk(data[at : at + 997]) for at in range(0, len(data), 997)) + _in_chunk(b"")


def said_in(asked: dict[str, Any]) -> str:
    """What the last user turn says, or the prompt."""
    for message in reversed(asked.get("messages") or ()):
        content = message.get("content")
        texts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content or ()]
        if message.get("role") == "user" and any(texts):
            return " ".join(texts)
    return str(asked.get("prompt", ""))


def _in_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(value: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": _USAGE} if finish else {}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **usage}


def _chat_events(pieces: list[str]) -> Iterator[bytes]:
    yield _event(_chunk({"role": "assistant", "content": ""}))
    yield from (_event(_chunk({"content": piece})) for piece in pieces)
    yield _event(_chunk({"content": ""}, "stop")) + b"data: [DONE]\n\n"


def _fim_events(pieces: list[str]) -> Iterator[bytes]:
    base = {"id": "a", "object": "text_completion", "created": 1, "model": "m"}
    for piece in pieces:
        yield _event({**base, "choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": None}]})
    last = {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}
    yield _event({**base, "choices": [last], "usage": _USAGE}) + b"data: [DONE]\n\n"


def _messages_events(pieces: list[str]) -> Iterator[bytes]:
    begun = {**_whole_message(""), "content": [], "stop_reason": None}
    yield _event({"type": "message_start", "message": begun}, "message_start")
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield _event(block, "content_block_start")
    for piece in pieces:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        yield _event(delta, "content_block_delta")
    yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    ended = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}}
    yield _event({"type": "message_delta", **ended}, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")


def _whole_chat(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "text": text, "logprobs": None, "finish_reason": "stop"}
    return {"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": _USAGE}


def _whole_message(text: str) -> dict[str, Any]:
    usage = {"input_tokens": 9000, "output_tokens": 3}
    content = [{"type": "text", "text": text}]
    base = {"id": "a", "type": "message", "role": "assistant", "model": "m", "content": content}
    return {**base, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}


def _ollama(text: str) -> dict[str, Any]:
    counts = {"prompt_eval_count": 9000, "eval_count": 3}
    return {
        "model": "m",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": "stop",
    } | counts


def _model_list(models: tuple[str, ...]) -> bytes:
    entries = [{"id": model, "object": "model", "owned_by": "canary"} for model in models]
    return json.dumps({"object": "list", "data": entries}).encode()
