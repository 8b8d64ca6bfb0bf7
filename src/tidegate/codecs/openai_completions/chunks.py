"""Streamed completions: `text_completion` chunks to events and back.

Decoding accepts usage on the last chunk or in a chunk of its own without choices. Encoding puts it on the chunk that
carries the finish reason, as chat does: inferred, for a stream of the hosted API was never seen.
"""

from __future__ import annotations

from typing import Any, assert_never

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, ChunkReader, dump_answer, text_of
from tidegate.codecs.openai_completions.logprobs import decode_logprobs, encode_logprobs
from tidegate.codecs.usage import encode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage


class ChunkDecoder(ChunkReader):
    """Chunks of one completion to events."""

    def said(self, choice: dict[str, Any]) -> list[Event]:
        text = choice.get("text")
        return [Text(text_of(text), decode_logprobs(choice.get("logprobs")))] if text else []


class ChunkEncoder:
    """Events of one completion to stream bytes. `Finish` waits for the usage."""

    def __init__(self, *, answer_id: str, model: str, created: int, fingerprint: str, include_usage: bool) -> None:
        self._identity = answer_id, created, model, fingerprint
        self._include_usage = include_usage
        self._finish = "stop"
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case Start():
                return b""
            case Text(text, logprobs):
                return self._chunk(text, logprobs)
            case Reasoning() | ToolCall():
                raise BrokenContract("the backend's completion holds reasoning or tool calls, which only a chat has")
            case Finish(reason):
                self._finish = reason
                return b""
            case UsageReport(usage):
                self._usage = usage
                return b""
            case End():
                return self._chunk("", None, last=True) + sse.encode(DONE)
            case _:
                assert_never(event)

    def _chunk(self, text: str, logprobs: tuple[Any, ...] | None, *, last: bool = False) -> bytes:
        answer_id, created, model, fingerprint = self._identity
        choice = {
            "finish_reason": self._finish if last else None,
            "index": 0,
            "logprobs": encode_logprobs(logprobs),
            "text": text,
        }
        chunk: dict[str, Any] = {
            "id": answer_id,
            "object": "text_completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "system_fingerprint": fingerprint,
        }
        if last:
            chunk["usage"] = None if self._usage is None else encode_usage(self._usage)
        elif self._include_usage:
            chunk["usage"] = None
        return sse.encode(dump_answer(chunk))
