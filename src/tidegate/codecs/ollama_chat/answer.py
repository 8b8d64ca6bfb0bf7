"""Whole answers of `/api/chat`: one object that is the last line of a stream with everything in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidegate.codecs.answers import dump_answer
from tidegate.codecs.ollama_chat.lines import LineDecoder, encode_call, last_fields
from tidegate.core.events import Milestones, milestones
from tidegate.core.fold import Answer, fold


def decode_answer(fields: dict[str, Any]) -> Answer:
    """Refuses an answer that is not done. Its logprobs are those of the text, if there was no thought beside it."""
    return fold(LineDecoder().decode(fields))


def answer_milestones(fields: dict[str, Any]) -> Milestones:
    return milestones(LineDecoder().decode(fields))


def encode_answer(answer: Answer) -> bytes:
    message: dict[str, Any] = {"content": answer.text}
    if answer.reasoning is not None:
        message["thinking"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [encode_call(call.call_id, call.name, call.arguments) for call in answer.tool_calls]
    created = answer.start.created
    fields: dict[str, Any] = {
        "model": answer.start.model,
        "created_at": None if created is None else datetime.fromtimestamp(created, UTC).isoformat(),
        **last_fields(message, answer.finish, answer.usage),
    }
    tokens = answer.reasoning_logprobs if answer.text_logprobs is None else answer.text_logprobs
    if tokens is not None:
        fields["logprobs"] = tokens
    return dump_answer(fields)
