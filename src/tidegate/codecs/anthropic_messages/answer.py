"""Whole answers: a Messages `message` object to `Answer` and back, in DeepSeek's key order.

A tool call's `input` must be an object. Arguments that are none (cut by max_tokens, or never valid JSON) become `{}`,
as in DeepSeek's own answers; `stop_reason` tells the first kind. The stream carries what the model wrote in any case.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

from typing import Any

import orjson

from tidegate.codecs.answers import dump_answer
from tidegate.codecs.anthropic_messages.counts import decode_usage, encode_usage, finish_of, stop_reason
from tidegate.codecs.anthropic_messages.decoder import start_of, stop_of, text_of, unknown_block
from tidegate.core.errors import BrokenContract
from tidegate.core.fold import Answer
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.messages import ToolCallPart


def encode_answer(answer: Answer, *, answer_id: str, model: str) -> bytes:
    content: list[dict[str, Any]] = []
    if answer.reasoning is not None:
        content.append({"type": "thinking", "thinking": answer.reasoning, "signature": answer_id})
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    content.extend(
        {"type": "tool_use", "id": call.call_id, "name": call.name, "input": _input(call.arguments)}
        for call in answer.tool_calls
    )
    reason = stop_reason(answer.finish, answer.stop)
    fields: dict[str, Any] = {
        "id": answer_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": answer.stop if reason == "stop_sequence" else None,
        "usage": encode_usage(answer.usage),
    }
    return dump_answer(fields)


def _input(arguments: str) -> dict[str, Any]:
    try:
        return as_object(orjson.loads(arguments)) or {}
    except orjson.JSONDecodeError:
        return {}


def decode_answer(fields: dict[str, Any]) -> Answer:
    """Refuses an answer without content or stop_reason, and one with blocks that nobody asked for."""
    blocks = as_list(fields.get("content"))
    if blocks is None:
        raise BrokenContract("the backend's answer lacks content")
    thoughts: list[str] = []
    texts: list[str] = []
    calls: list[ToolCallPart] = []
    for value in blocks:
        block = as_object(value) or {}
        match block.get("type"):
            case "thinking":
                thoughts.append(text_of(block, "thinking"))
            case "text":
                texts.append(text_of(block, "text"))
            case "tool_use":
                arguments = dump_answer(block.get("input")).decode()
                calls.append(ToolCallPart(text_of(block, "id"), text_of(block, "name"), arguments))
            case _:
                raise unknown_block()
    return Answer(
        start=start_of(fields),
        text="".join(texts),
        reasoning="".join(thoughts) if thoughts else None,
        tool_calls=tuple(calls),
        finish=finish_of(fields.get("stop_reason")),
        stop=stop_of(fields),
        usage=decode_usage(as_object(fields.get("usage")) or {}),
    )
