"""Streamed answers: `chat.completion.chunk` objects to events, and events to DeepSeek's chunks.

Decoding accepts what servers really send: usage on the last content chunk (DeepSeek) or in a chunk of its own without
choices (OpenAI, vLLM, llama.cpp). Encoding writes DeepSeek's shape only: first delta with the role, null for the side
that is not speaking, usage on the chunk that carries the finish reason, then `[DONE]`.
"""

from __future__ import annotations

from typing import Any, assert_never

from tidegate.codecs import sse
from tidegate.codecs.answers import DONE, ChunkReader, dump_answer, text_of
from tidegate.codecs.usage import encode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.usage import Usage


class ChunkDecoder(ChunkReader):
    """Chunks of one chat answer to events."""

    def said(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = as_object(choice.get("delta")) or {}
        logprobs = as_object(choice.get("logprobs")) or {}
        if reasoning := delta.get("reasoning_content"):
            events.append(Reasoning(text_of(reasoning), _tokens(logprobs.get("reasoning_content"))))
        if content := delta.get("content"):
            events.append(Text(text_of(content), _tokens(logprobs.get("content"))))
        events.extend(_read_call(call) for call in as_list(delta.get("tool_calls")) or ())
        return events


def _read_call(value: Any) -> ToolCall:
    call = as_object(value) or {}
    function = as_object(call.get("function")) or {}
    index, call_id, name = call.get("index", 0), call.get("id"), function.get("name")
    if not isinstance(index, int):
        raise BrokenContract("the backend's stream holds a tool call without an index")
    return ToolCall(
        index,
        None if call_id is None else text_of(call_id),
        None if name is None else text_of(name),
        text_of(function.get("arguments") or ""),
    )


def _tokens(value: Any) -> tuple[Any, ...] | None:
    return tuple(as_list(value) or ()) or None


class ChunkEncoder:
    """Events of one answer to DeepSeek's stream bytes.

    The first event after `Start` shows whether the model thinks, so `Start` waits for it; `Finish` waits for the usage.
    `thought_before`: the request thinks, but its prefix has ended the thought already; then no delta opens one, and each
    says that no reasoning speaks.
    """

    def __init__(
        self,
        *,
        answer_id: str,
        model: str,
        created: int,
        fingerprint: str,
        include_usage: bool,
        thought_before: bool = False,
    ) -> None:
        self._head = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "system_fingerprint": fingerprint,
        }
        self._include_usage = include_usage
        self._thinking = self._thought_before = thought_before
        self._begun = False
        self._finish = "stop"
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case Start():
                return b""
            case Reasoning(text, logprobs):
                opening = self._open(thinking=True)
                return opening + self._chunk({"content": None, "reasoning_content": text}, reasoning_logprobs=logprobs)
            case Text(text, logprobs):
                opening = self._open(thinking=False)
                return opening + self._chunk(self._content(text), logprobs=logprobs)
            case ToolCall():
                return self._open(thinking=False) + self._chunk({"tool_calls": [_encode_call(event)]})
            case Finish(reason):
                self._finish = reason
                return self._open(thinking=False)
            case UsageReport(usage):
                self._usage = usage
                return b""
            case End():
                return self._last() + sse.encode(DONE)
            case _:
                assert_never(event)

    def _content(self, text: str) -> dict[str, Any]:
        return {"content": text, "reasoning_content": None} if self._thinking else {"content": text}

    def _open(self, *, thinking: bool) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        if self._thought_before and not thinking:
            return self._chunk({"role": "assistant", "content": "", "reasoning_content": None})
        self._thinking = thinking
        if thinking:
            return self._chunk({"role": "assistant", "content": None, "reasoning_content": ""})
        return self._chunk({"role": "assistant", "content": ""})

    def _chunk(
        self,
        delta: dict[str, Any],
        *,
        logprobs: tuple[Any, ...] | None = None,
        reasoning_logprobs: tuple[Any, ...] | None = None,
    ) -> bytes:
        tokens: dict[str, Any] | None = None
        if logprobs is not None:
            tokens = {"content": logprobs}
        elif reasoning_logprobs is not None:
            tokens = {"reasoning_content": reasoning_logprobs}
        choice: dict[str, Any] = {"index": 0, "delta": delta, "logprobs": tokens, "finish_reason": None}
        chunk: dict[str, Any] = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.encode(dump_answer(chunk))

    def _last(self) -> bytes:
        choice = {"index": 0, "delta": self._content(""), "logprobs": None, "finish_reason": self._finish}
        usage = None if self._usage is None else encode_usage(self._usage)
        return sse.encode(dump_answer({**self._head, "choices": [choice], "usage": usage}))


def _encode_call(call: ToolCall) -> dict[str, Any]:
    if call.call_id is None and call.name is None:
        return {"index": call.index, "function": {"arguments": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": call.index, "id": call.call_id, "type": "function", "function": function}
