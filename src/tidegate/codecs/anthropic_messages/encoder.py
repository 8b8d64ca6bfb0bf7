"""Streamed answers out: events to the Messages stream that DeepSeek sends.

Each block opens with its first piece and closes when another kind begins; the first opening is followed by one ping; a
thinking block ends with a signature, which is the answer's id; there is no `[DONE]`. Knows nothing of requests: whether
the model was asked to think and which stop string it met are told.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, assert_never

import orjson

from tidegate.codecs.anthropic_messages.counts import encode_usage, stop_reason
from tidegate.core.errors import BrokenContract, GatewayError
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.jsonvalue import as_object
from tidegate.core.usage import Usage


def frame(kind: str, **fields: Any) -> bytes:
    """One event of the stream, its name beside its data."""
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def error_frame(error: GatewayError) -> bytes:
    """The event that ends a stream which cannot be completed; the official SDK raises on it."""
    return frame("error", error={"type": error.kind, "message": error.message})


class MessageEncoder:
    """Events of one answer to bytes.

    `usage` is what is known of the prompt before the answer begins (None: `message_start` says 0, see `counts`).
    `thinks` opens a thinking block at once, as the hosted API does for a thinking request, even if no thought comes;
    without it the first `Reasoning` opens one.
    """

    def __init__(
        self,
        *,
        answer_id: str,
        model: str,
        usage: Usage | None = None,
        thinks: bool = False,
    ) -> None:
        self._stop: str | None = None
        self._id = answer_id
        self._model = model
        self._known = usage
        self._thinks = thinks
        self._open: Literal["thinking", "text"] | int | None = None
        """The kind of the open block; of a tool call its index among the calls."""
        self._index = -1
        self._calls: set[int] = set()
        self._reason = "end_turn"
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case Start():
                return self._begin()
            case Reasoning(text):
                opening = self._switch("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                return opening + (self._delta({"type": "thinking_delta", "thinking": text}) if text else b"")
            case Text(text):
                if not text:
                    return b""
                opening = self._switch("text", {"type": "text", "text": ""})
                return opening + self._delta({"type": "text_delta", "text": text})
            case ToolCall():
                return self._call(event)
            case Finish(reason, stop):
                self._reason, self._stop = stop_reason(reason, stop), stop
                return self._close()
            case UsageReport(usage):
                self._usage = usage
                return b""
            case End():
                return self._end()
            case _:
                assert_never(event)

    def stand(self, last: Sequence[bytes]) -> None:
        """Go on where a stream that went out as it came has left its blocks; `last` are its last events. What was said in
        it has been encoded here already, but empty blocks say nothing, and a closed one no less than an open one."""
        for wire in reversed(last):
            fields = _fields_of(wire)
            index = fields.get("index")
            if not isinstance(index, int):
                continue  # a ping, or a comment
            self._index = index
            if fields.get("type") == "content_block_start":
                kind = (as_object(fields.get("content_block")) or {}).get("type")
                self._open = "thinking" if kind == "thinking" else "text"
            elif fields.get("type") == "content_block_stop":
                self._open = None
            return

    def _begin(self) -> bytes:
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": encode_usage(self._known, begun=True),
        }
        begun = frame("message_start", message=message)
        return begun + self.encode(Reasoning("")) if self._thinks else begun

    def _call(self, call: ToolCall) -> bytes:
        if call.index in self._calls and call.index != self._open:
            raise BrokenContract("the backend's stream goes back to a tool call that it had left")
        block: dict[str, Any] = {"type": "tool_use", "id": call.call_id or "", "name": call.name or "", "input": {}}
        opening = self._switch(call.index, block)
        self._calls.add(call.index)
        if not call.arguments:
            return opening
        return opening + self._delta({"type": "input_json_delta", "partial_json": call.arguments})

    def _switch(self, kind: Literal["thinking", "text"] | int, block: dict[str, Any]) -> bytes:
        """Make this the open block, closing the one before."""
        if self._open == kind:
            return b""
        closing = self._close()
        self._open = kind
        self._index += 1
        ping = frame("ping") if self._index == 0 else b""
        return closing + frame("content_block_start", index=self._index, content_block=block) + ping

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        signed = b""
        if self._open == "thinking":
            signed = self._delta({"type": "signature_delta", "signature": self._id})
        self._open = None
        return signed + frame("content_block_stop", index=self._index)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return frame("content_block_delta", index=self._index, delta=delta)

    def _end(self) -> bytes:
        sequence = self._stop if self._reason == "stop_sequence" else None
        delta = {"stop_reason": self._reason, "stop_sequence": sequence}
        return frame("message_delta", delta=delta, usage=encode_usage(self._usage)) + frame("message_stop")


def _fields_of(wire: bytes) -> dict[str, Any]:
    try:
        return as_object(orjson.loads(wire.partition(b"data:")[2])) or {}
    except orjson.JSONDecodeError:
        return {}
