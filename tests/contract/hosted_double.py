"""The double of the hosted API, which is the contract: chats, Messages and completions as it answers them.

Facts of DeepSeek's API reference, 2026-08 to 2026-10. The simulator is the full one; this one has the doubles' model.
"""

from __future__ import annotations

import json
from typing import Any

from tests.contract.doubles import Fields, OpenAi, continued, last_user, schema_of
from tests.contract.mind import CACHED_TOKENS, GAP, PROMPT_TOKENS, Said, Wish, say
from tests.contract.runtimes import forced_by, offered

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_CHOICES = {"any": "required", "auto": "auto", "none": "none"}


class Hosted(OpenAi):
    """The hosted API, which does it all."""

    kind = "deepseek"

    @property
    def tells(self) -> dict[str, Any]:
        return {"/models": {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "deepseek"}]}}

    def post(self, path: str, body: Fields) -> tuple[int, Any]:
        if path.endswith("/messages"):
            return self.refuses(body) or (200, self._messages(body))
        if "prompt" in body:
            return 200, self._gap(body)
        return self.refuses(body) or (200, self.chat(body))

    def overflow(self) -> tuple[int, Any]:
        text = (
            "This model's maximum context length is 1048576 tokens. However, you requested 1048577 tokens (1048576 in "
            "the messages, 1 in the completion). Please reduce the length of the messages or completion."
        )
        kind = "invalid_request_error"
        return 400, {"error": {"message": text, "type": kind, "param": None, "code": kind}}

    def wish(self, body: Fields) -> Wish:
        off = (body.get("thinking") or {}).get("type") == "disabled" or body.get("reasoning_effort") == "none"
        prefix = continued(body)
        return Wish(
            text=last_user(body["messages"]),
            thinks=not off,
            schema=schema_of(body),
            tools=offered(body),
            forced=forced_by(body.get("tool_choice")),
            strict=True,
            prefix=prefix,
            thought_before=bool(prefix),
            max_tokens=body.get("max_tokens"),
        )

    def usage(self, said: Said) -> Fields:
        hit = {"prompt_cache_hit_tokens": CACHED_TOKENS, "prompt_cache_miss_tokens": PROMPT_TOKENS - CACHED_TOKENS}
        thought = sum(piece.kind == "reasoning" for piece in said.pieces)
        return {**super().usage(said), **hit, "completion_tokens_details": {"reasoning_tokens": thought}}

    def streamed(self, said: Said, body: Fields) -> list[bytes]:
        """Usage comes with the finish, asked for or not."""
        chunks = [self._chunk({"delta": delta, "finish_reason": None}) for delta in self.deltas(said)]
        end = {"delta": {"content": ""}, "finish_reason": self.finish(said, body)}
        return [*chunks, self._chunk(end, usage=self.usage(said)), b"data: [DONE]\n\n"]

    def _gap(self, body: Fields) -> Any:
        counted = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "prompt_cache_hit_tokens": 0}
        usage = {**counted, "prompt_cache_miss_tokens": 9}
        head = {"id": "x", "object": "text_completion", "created": 1, "model": "m"}
        if not body.get("stream"):
            choice = {"index": 0, "text": GAP, "finish_reason": "stop", "logprobs": None}
            return {**head, "choices": [choice], "usage": usage}
        frames: list[Fields] = []
        for text, finish in ((GAP[:3], None), (GAP[3:], None), ("", "stop")):
            choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
            frames.append({**head, "choices": [choice], **({"usage": usage} if finish else {})})
        return [*(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames), b"data: [DONE]\n\n"]

    def _messages(self, body: Fields) -> Any:
        choice: Fields = body.get("tool_choice") or {}
        named = {"type": "function", "function": {"name": choice.get("name")}}
        tools = [
            {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}
            for tool in body.get("tools") or ()
        ]
        asked = {
            **body,
            "tools": tools,
            "tool_choice": named if choice.get("type") == "tool" else _CHOICES.get(str(choice.get("type"))),
        }
        said = say(self.wish(asked))
        return message_events(said) if body.get("stream") else message(said)


def message(said: Said) -> Fields:
    blocks: list[Fields] = []
    if thought := said.joined("reasoning"):
        blocks.append({"type": "thinking", "thinking": thought, "signature": "s"})
    if text := said.joined("text"):
        blocks.append({"type": "text", "text": text})
    for number, (name, arguments) in enumerate(said.calls):
        try:
            given = json.loads(arguments)
        except json.JSONDecodeError:
            given = {}  # as the hosted API says a call that was cut
        blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given})
    return {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": blocks,
        "stop_reason": _STOPS[said.finish],
        "stop_sequence": None,
        "usage": _message_usage(said),
    }


def _message_usage(said: Said) -> Fields:
    return {
        "input_tokens": PROMPT_TOKENS - CACHED_TOKENS,
        "cache_read_input_tokens": CACHED_TOKENS,
        "cache_creation_input_tokens": 0,
        "output_tokens": said.tokens,
    }


def message_events(said: Said) -> list[bytes]:
    events: list[Fields] = [{"type": "message_start", "message": {**message(said), "content": [], "stop_reason": None}}]
    number = -1
    begun: tuple[str, int] | None = None
    for piece in said.pieces:
        if begun != (piece.kind, piece.index):
            if begun is not None:
                events.append({"type": "content_block_stop", "index": number})
            begun, number = (piece.kind, piece.index), number + 1
            events.append({"type": "content_block_start", "index": number, "content_block": _begin(piece.kind, piece)})
        events.append({"type": "content_block_delta", "index": number, "delta": _delta(piece.kind, piece.text)})
    events.append({"type": "content_block_stop", "index": number})
    stopped = {"stop_reason": _STOPS[said.finish], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": stopped, "usage": _message_usage(said)}, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _begin(kind: str, piece: Any) -> Fields:
    match kind:
        case "reasoning":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "text":
            return {"type": "text", "text": ""}
        case _:
            return {"type": "tool_use", "id": f"toolu_{piece.index}", "name": piece.name, "input": {}}


def _delta(kind: str, text: str) -> Fields:
    match kind:
        case "reasoning":
            return {"type": "thinking_delta", "thinking": text}
        case "text":
            return {"type": "text_delta", "text": text}
        case _:
            return {"type": "input_json_delta", "partial_json": text}
