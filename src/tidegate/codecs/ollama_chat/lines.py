"""Streamed answers: lines of `/api/chat` to events, and events to such lines.

A line holds a piece of thought, of text, or whole tool calls; the last one says `done`, why, and what was used. Only
that line ends a stream properly: one that holds `error` instead does so with status 200.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from tidegate.codecs import ndjson
from tidegate.codecs.answers import dump_answer, start_of, text_of
from tidegate.codecs.call_ids import call_id_of
from tidegate.codecs.ollama_chat.messages import read_arguments
from tidegate.codecs.usage import count_of
from tidegate.core.errors import BrokenContract, NotSupported
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.usage import Usage

_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "insufficient_system_resource"})
"""Of these the server says the first two. Nothing at all means that its engine broke off; `load` and `unload` answer
requests without messages."""


class LineDecoder:
    """Lines of one answer to events.

    A tool call without an id of its own gets one made of when the answer began and what it calls, so the same bytes
    always mean the same call, and no two turns share one. Where the server does not tell the time, it only counts.
    """

    __slots__ = ("_begun", "_calls", "_ids", "_tokens")

    def __init__(self) -> None:
        self._begun: str | None = None
        self._calls = 0
        self._ids: set[str] = set()
        self._tokens: list[Any] = []

    def decode(self, line: dict[str, Any]) -> tuple[Event, ...]:
        if "error" in line:
            raise BrokenContract("the backend reported an error inside its stream")
        events: list[Event] = []
        if self._begun is None:
            begun = line.get("created_at")
            self._begun = begun if isinstance(begun, str) else ""
            events.append(start_of({"model": line.get("model"), "created": _seconds(line.get("created_at"))}))
        message = as_object(line.get("message")) or {}
        events += self._said(message, as_list(line.get("logprobs")) or [])
        events += [self._call(call) for call in as_list(message.get("tool_calls")) or ()]
        if line.get("done") is True:
            events.append(self._finish(line.get("done_reason")))
            if (usage := _usage(line)) is not None:
                events.append(UsageReport(usage))
            events.append(End())
        return tuple(events)

    def _said(self, message: dict[str, Any], tokens: list[Any]) -> list[Event]:
        """Tokens of a line that holds back its text belong to the next piece; those of two pieces belong to neither."""
        thought, text = text_of(message.get("thinking") or ""), text_of(message.get("content") or "")
        self._tokens += tokens
        if not thought and not text:
            return []
        logprobs = None if thought and text else tuple(self._tokens) or None
        self._tokens = []
        events: list[Event] = [Reasoning(thought, logprobs)] if thought else []
        return [*events, Text(text, logprobs)] if text else events

    def _call(self, value: Any) -> ToolCall:
        call = as_object(value) or {}
        function = as_object(call.get("function")) or {}
        arguments = as_object(function.get("arguments"))
        if arguments is None:
            raise BrokenContract("the backend's stream holds a tool call without arguments")
        name, written = text_of(function.get("name")), dump_answer(arguments).decode()
        index, self._calls = self._calls, self._calls + 1
        call_id = call.get("id")
        if not isinstance(call_id, str) or not call_id or call_id in self._ids:
            call_id = call_id_of(index, self._begun, name, written) if self._begun else f"call_{index}"
        self._ids.add(call_id)
        return ToolCall(index, call_id, name, written)

    def _finish(self, reason: Any) -> Finish:
        if not isinstance(reason, str) or reason not in _REASONS:
            raise BrokenContract("the backend's stream ends without a reason that ends an answer")
        return Finish("tool_calls" if reason == "stop" and self._calls else reason)


def _usage(line: dict[str, Any]) -> Usage | None:
    """Counts of zero are left out by the server. What its cache held is told by newer ones only, else it is unknown."""
    prompt, output = count_of(line.get("prompt_eval_count")), count_of(line.get("eval_count"))
    if prompt is None and output is None:
        return None
    return Usage(prompt=prompt, output=output, cache_hit=count_of(line.get("prompt_eval_cached_count")))


def _seconds(value: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


class LineEncoder:
    """Events of one answer to lines, as the server writes them. A call is written whole, so its pieces wait."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._calls: dict[int, list[str]] = {}
        self._reason = ""
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case Start(model, created):
                when = None if created is None else datetime.fromtimestamp(created, UTC).isoformat()
                self._head = {"model": model, "created_at": when}
                return b""
            case Reasoning(text, logprobs):
                return self._waiting() + self._line({"content": "", "thinking": text}, logprobs)
            case Text(text, logprobs):
                return self._waiting() + self._line({"content": text}, logprobs)
            case ToolCall(index, call_id, name, arguments):
                call = self._calls.setdefault(index, ["", "", ""])
                call[:] = [call_id or call[0], name or call[1], call[2] + arguments]
                return b""
            case Finish(reason):
                self._reason = reason
                return self._waiting()
            case UsageReport(usage):
                self._usage = usage
                return b""
            case End():
                return ndjson.encode(dump_answer({**self._head, **last_fields({}, self._reason, self._usage)}))
            case _:
                assert_never(event)

    def _waiting(self) -> bytes:
        calls = [encode_call(*self._calls[index]) for index in sorted(self._calls)]
        self._calls = {}
        return self._line({"content": "", "tool_calls": calls}, None) if calls else b""

    def _line(self, message: dict[str, Any], logprobs: tuple[Any, ...] | None) -> bytes:
        line: dict[str, Any] = {**self._head, "message": {"role": "assistant", **message}, "done": False}
        if logprobs is not None:
            line["logprobs"] = logprobs
        return ndjson.encode(dump_answer(line))


def encode_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    try:
        given = read_arguments(arguments)
    except NotSupported:
        raise BrokenContract("the answer calls a tool with arguments that are not a JSON object") from None
    return {"id": call_id, "function": {"name": name, "arguments": given}}


def last_fields(message: dict[str, Any], reason: str, usage: Usage | None) -> dict[str, Any]:
    """What the last line says beside who speaks; a whole answer is this line alone."""
    fields: dict[str, Any] = {
        "message": {"role": "assistant", "content": "", **message},
        "done": True,
        "done_reason": "stop" if reason == "tool_calls" else reason,
    }
    if usage is not None:
        counts = {
            "prompt_eval_count": usage.prompt,
            "prompt_eval_cached_count": usage.cache_hit,
            "eval_count": usage.output,
        }
        fields |= {name: count for name, count in counts.items() if count is not None}
    return fields
