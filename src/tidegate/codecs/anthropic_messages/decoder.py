"""Streamed answers in: the JSON of Messages stream events to core events.

Accepts what DeepSeek sends and what Anthropic's own servers send beside it (usage in parts, unknown deltas). A block
that only a tool of the provider's servers produces is an error: we never ask for one, and to leave it out would be to
pass on half an answer.
"""

from __future__ import annotations

from typing import Any

from tidegate.codecs.answers import dump_answer, load_chunk, named_text
from tidegate.codecs.anthropic_messages.counts import decode_usage, finish_of
from tidegate.codecs.sse import ServerEvent
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_object


def load_event(event: ServerEvent) -> dict[str, Any]:
    """The JSON object of an event that carries data."""
    return load_chunk(event.data or b"")


class StreamDecoder:
    """Events of one stream, in their order. Holds the open block and the counts of the prompt that message_start gave:
    what it says of the output is a beginning, and no count."""

    def __init__(self) -> None:
        self._calls = -1
        self._block: str | None = None
        self._said = False
        """Whether the open block said anything."""
        self._given: Any = None
        self._counts: dict[str, Any] = {}
        self._finished = False

    def decode(self, fields: dict[str, Any]) -> tuple[Event, ...]:
        match fields.get("type"):
            case "message_start":
                return self._start(fields)
            case "content_block_start":
                return self._open(_object(fields, "content_block"))
            case "content_block_delta":
                return self._delta(_object(fields, "delta"))
            case "content_block_stop":
                return self._close()
            case "message_delta":
                return self._finish(fields)
            case "message_stop":
                return (End(),)
            case "error":
                raise BrokenContract("the backend reported an error inside its stream")
            case _:
                return ()  # a ping, or an event that came after this was written

    def _start(self, fields: dict[str, Any]) -> tuple[Event, ...]:
        message = _object(fields, "message")
        self._counts = {**(as_object(message.get("usage")) or {}), "output_tokens": None}
        return (start_of(message),)

    def _open(self, block: dict[str, Any]) -> tuple[Event, ...]:
        kind = block.get("type")
        self._block, self._said, self._given = kind, False, None
        match kind:
            case "text":
                return self._speak(Text(text_of(block, "text")))
            case "thinking":
                return self._speak(Reasoning(text_of(block, "thinking")))
            case "tool_use":
                self._calls += 1
                self._given = block.get("input")
                return (ToolCall(self._calls, text_of(block, "id"), text_of(block, "name")),)
            case _:
                raise unknown_block()

    def _delta(self, delta: dict[str, Any]) -> tuple[Event, ...]:
        match delta.get("type"), self._block:
            case "text_delta", "text":
                return self._speak(Text(text_of(delta, "text")))
            case "thinking_delta", "thinking":
                return self._speak(Reasoning(text_of(delta, "thinking")))
            case "input_json_delta", "tool_use":
                piece = text_of(delta, "partial_json")
                self._said = self._said or bool(piece)
                return (ToolCall(self._calls, arguments=piece),) if piece else ()
            case (("text_delta" | "thinking_delta" | "input_json_delta"), _):
                raise BrokenContract("the backend's stream holds a delta that does not belong to its block")
            case _:
                return ()  # signatures and citations: nothing canonical

    def _speak(self, event: Text | Reasoning) -> tuple[Event, ...]:
        self._said = self._said or bool(event.text)
        return (event,) if event.text else ()

    def _close(self) -> tuple[Event, ...]:
        block, self._block = self._block, None
        if self._said:
            return ()
        if block == "thinking":
            return (Reasoning(""),)  # it thought, and thought nothing
        if block == "tool_use" and self._given:
            return (ToolCall(self._calls, arguments=dump_answer(self._given).decode()),)
        return ()

    def _finish(self, fields: dict[str, Any]) -> tuple[Event, ...]:
        self._counts = {**self._counts, **(as_object(fields.get("usage")) or {})}
        reason = _object(fields, "delta").get("stop_reason")
        if reason is None or self._finished:
            return ()  # counts on the way
        self._finished = True
        usage = decode_usage(self._counts)
        finish = Finish(finish_of(reason), stop_of(_object(fields, "delta")))
        return (finish,) if usage is None else (finish, UsageReport(usage))


def start_of(message: dict[str, Any]) -> Start:
    model, answer_id = message.get("model"), message.get("id")
    return Start(model if isinstance(model, str) else None, answer_id=answer_id if isinstance(answer_id, str) else None)


def stop_of(fields: dict[str, Any]) -> str | None:
    stop = fields.get("stop_sequence")
    return stop if isinstance(stop, str) else None


def text_of(fields: dict[str, Any], name: str) -> str:
    return named_text(fields.get(name), name)


def unknown_block() -> BrokenContract:
    return BrokenContract("the backend's answer holds a content block that nobody asked for")


def _object(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = as_object(fields.get(name))
    if value is None:
        raise BrokenContract(f"the backend's stream lacks {name} in an event")
    return value
