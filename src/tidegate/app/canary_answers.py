"""Answers in the shape of the hosted API that say back what was asked, for the servers of a canary run. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

USAGE = {"prompt_tokens": 9000, "completion_tokens": 3, "total_tokens": 9003, "prompt_cache_hit_tokens": 0}
"""More than any prompt here has words: a server that counts fewer has cut it (REQ030)."""
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
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
    is_fim = path.endswith(b"/completions") and not path.endswith(b"/chat/completions")
    is_message = path.endswith(b"/messages")
    if not asked.get("stream"):
        yield whole(json.dumps(_whole_message(text) if is_message else _whole_answer(text, is_fim)).encode())
        return
    events = _fim_events if is_fim else _messages_events if is_message else _chat_events
    data = b"".join(events([text[at : at + size] for at in range(0, len(text), size)]))
    yield STREAM_HEAD + b"".join(in_chunk(data[at : at + 997]) for at in range(0, len(data), 997)) + in_chunk(b"")


def said_in(asked: dict[str, Any]) -> str:
    """What the last user turn says, or the prompt."""
    for message in reversed(asked.get("messages") or ()):
        content: Any = message.get("content") or ()
        texts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
        if message.get("role") == "user" and any(texts):
            return " ".join(texts)
    return str(asked.get("prompt", ""))


def in_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": USAGE} if finish else {}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **usage}


def _chat_events(pieces: list[str]) -> Iterator[bytes]:
    yield event(chunk({"role": "assistant", "content": ""}))
    yield from (event(chunk({"content": piece})) for piece in pieces)
    yield event(chunk({"content": ""}, "stop")) + b"data: [DONE]\n\n"


def _fim_events(pieces: list[str]) -> Iterator[bytes]:
    base = {"id": "a", "object": "text_completion", "created": 1, "model": "m"}
    for piece in pieces:
        yield event({**base, "choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": None}]})
    last = {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}
    yield event({**base, "choices": [last], "usage": USAGE}) + b"data: [DONE]\n\n"


def _messages_events(pieces: list[str]) -> Iterator[bytes]:
    begun = {**_whole_message(""), "content": [], "stop_reason": None}
    yield event({"type": "message_start", "message": begun}, "message_start")
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield event(block, "content_block_start")
    for piece in pieces:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        yield event(delta, "content_block_delta")
    yield event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    ended = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}}
    yield event({"type": "message_delta", **ended}, "message_delta")
    yield event({"type": "message_stop"}, "message_stop")


def _whole_answer(text: str, is_fim: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"text": text} if is_fim else {"message": {"role": "assistant", "content": text}}
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": "stop"}
    kind = "text_completion" if is_fim else "chat.completion"
    return {"id": "a", "object": kind, "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


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


def model_list(models: tuple[str, ...]) -> bytes:
    entries = [{"id": model, "object": "model", "owned_by": "canary"} for model in models]
    return json.dumps({"object": "list", "data": entries}).encode()
