"""Streamed answers: `chat.completion.chunk` objects to events, and events to DeepSeek's chunks.

Decoding accepts what servers really send: usage on the last content chunk (DeepSeek) or in a chunk of its own without
choices (OpenAI, vLLM, llama.cpp). Encoding writes DeepSeek's shape only: first delta with the role, null for the side
that is not speaking, usage on the chunk that carries the finish reason, then `[DONE]`.
"""

from __future__ import annotations

from typing import Any, assert_never

import orjson

from tidegate.codecs import sse
from tidegate.codecs.openai_chat.usage import decode_usage, encode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.usage import Usage

DONE = b"[DONE]"


def carries_only_content(data: bytes) -> bool:
    """Whether a chunk of compact JSON holds neither finish, usage nor error; False when in doubt.

    Exact, not a guess: inside a JSON string every quote is escaped, so these byte patterns only match real keys.
    """
    return (
        b'"finish_reason":null' in data
        and (b'"usage"' not in data or b'"usage":null' in data)
        and b'"error"' not in data
    )


def start_of(fields: dict[str, Any]) -> Start:
    """Who answers, of a chunk or a whole answer; what is not of its type counts as not said."""
    created = fields.get("created")
    return Start(
        _name(fields.get("model")),
        created if isinstance(created, int) and not isinstance(created, bool) else None,
        _name(fields.get("system_fingerprint")),
        _name(fields.get("id")),
    )


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def dump_answer(fields: dict[str, Any]) -> bytes:
    """JSON bytes for a client. orjson writes at most 254 levels; an answer (its logprobs) that is deeper is no answer."""
    try:
        return orjson.dumps(fields)
    except TypeError:
        raise BrokenContract("the backend's answer is nested too deeply to be passed on") from None


def load_chunk(data: bytes) -> dict[str, Any]:
    try:
        chunk = as_object(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise BrokenContract("the backend's stream holds an event that is not JSON") from None
    if chunk is None:
        raise BrokenContract("the backend's stream holds an event that is not a JSON object")
    return chunk


class ChunkDecoder:
    """Chunks of one answer to events. Holds only what the order of events needs: whether the answer began or finished."""

    __slots__ = ("_finished", "_started")

    def __init__(self) -> None:
        self._started = False
        self._finished = False

    def decode(self, chunk: dict[str, Any]) -> tuple[Event, ...]:
        if "error" in chunk:
            raise BrokenContract("the backend reported an error inside its stream")
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(start_of(chunk))
        choices = as_list(chunk.get("choices"))
        if choices and not self._finished:
            self._read_choice(choices[0], events)
        usage = decode_usage(chunk.get("usage"))
        if usage is not None and self._finished:
            events.append(UsageReport(usage))
        return tuple(events)

    def decode_content(self, chunk: dict[str, Any]) -> tuple[Event, ...]:
        """The events of a chunk that `carries_only_content`, whenever it is asked for."""
        events: list[Event] = []
        for choice in as_list(chunk.get("choices")) or ():
            self._read_choice(choice, events)
        return tuple(events)

    def _read_choice(self, value: Any, events: list[Event]) -> None:
        choice = as_object(value)
        if choice is None:
            raise BrokenContract("the backend's stream holds a choice that is not an object")
        delta = as_object(choice.get("delta")) or {}
        logprobs = as_object(choice.get("logprobs")) or {}
        if reasoning := delta.get("reasoning_content"):
            events.append(Reasoning(_text(reasoning), _tokens(logprobs.get("reasoning_content"))))
        if content := delta.get("content"):
            events.append(Text(_text(content), _tokens(logprobs.get("content"))))
        events.extend(_read_call(call) for call in as_list(delta.get("tool_calls")) or ())
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finished = True
            events.append(Finish(_text(reason)))


def _read_call(value: Any) -> ToolCall:
    call = as_object(value) or {}
    function = as_object(call.get("function")) or {}
    index, call_id, name = call.get("index", 0), call.get("id"), function.get("name")
    if not isinstance(index, int):
        raise BrokenContract("the backend's stream holds a tool call without an index")
    return ToolCall(
        index,
        None if call_id is None else _text(call_id),
        None if name is None else _text(name),
        _text(function.get("arguments") or ""),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BrokenContract("the backend's stream holds a delta that is not text")
    return value


def _tokens(value: Any) -> tuple[Any, ...] | None:
    return tuple(as_list(value) or ()) or None


class ChunkEncoder:
    """Events of one answer to DeepSeek's stream bytes.

    The first event after `Start` shows whether the model thinks, so `Start` waits for it; `Finish` waits for the usage.
    """

    def __init__(self, *, answer_id: str, model: str, created: int, fingerprint: str, include_usage: bool) -> None:
        self._head = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
            "system_fingerprint": fingerprint,
        }
        self._include_usage = include_usage
        self._thinking = False
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
