"""Whole answers: a `chat.completion` object to `Answer` and back, in DeepSeek's key order."""

from __future__ import annotations

from typing import Any

from tidegate.codecs.answers import dump_answer, named_text, start_of
from tidegate.codecs.usage import decode_usage, encode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Finish, Milestones, UsageReport
from tidegate.core.fold import Answer
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.messages import ToolCallPart


def decode_answer(fields: dict[str, Any]) -> Answer:
    """Refuses an answer without message or finish_reason, and one whose texts are not texts."""
    choices = as_list(fields.get("choices")) or [None]
    choice = as_object(choices[0]) or {}
    message = as_object(choice.get("message"))
    if message is None:
        raise BrokenContract("the backend's answer lacks choices or message")
    logprobs = as_object(choice.get("logprobs")) or {}
    text_tokens, reasoning_tokens = as_list(logprobs.get("content")), as_list(logprobs.get("reasoning_content"))
    reasoning = message.get("reasoning_content")
    return Answer(
        start=start_of(fields),
        text=named_text(message.get("content") or "", "content"),
        reasoning=None if reasoning is None else named_text(reasoning, "reasoning_content"),
        tool_calls=tuple(_read_call(call) for call in as_list(message.get("tool_calls")) or ()),
        finish=named_text(choice.get("finish_reason"), "finish_reason"),
        usage=decode_usage(fields.get("usage")),
        text_logprobs=None if text_tokens is None else tuple(text_tokens),
        reasoning_logprobs=None if reasoning_tokens is None else tuple(reasoning_tokens),
    )


def answer_milestones(fields: dict[str, Any]) -> Milestones:
    """What the books need of a whole answer, without reading what it says."""
    choices = as_list(fields.get("choices")) or [None]
    choice = as_object(choices[0]) or {}
    if as_object(choice.get("message")) is None:
        raise BrokenContract("the backend's answer lacks choices or message")
    usage = decode_usage(fields.get("usage"))
    return Milestones(
        start=start_of(fields),
        finish=Finish(named_text(choice.get("finish_reason"), "finish_reason")),
        usage=None if usage is None else UsageReport(usage),
        ended=True,
    )


def _read_call(value: Any) -> ToolCallPart:
    call = as_object(value) or {}
    function = as_object(call.get("function")) or {}
    name, arguments = (
        named_text(function.get("name"), "tool name"),
        named_text(function.get("arguments"), "tool arguments"),
    )
    return ToolCallPart(named_text(call.get("id") or "", "tool call id"), name, arguments)


def encode_answer(answer: Answer, *, answer_id: str, model: str, created: int, fingerprint: str) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "index": index,
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(answer.tool_calls)
        ]
    logprobs: dict[str, Any] | None = None
    if answer.text_logprobs is not None or answer.reasoning_logprobs is not None:
        logprobs = {"content": answer.text_logprobs}
        if answer.reasoning_logprobs is not None:
            logprobs["reasoning_content"] = answer.reasoning_logprobs
    return dump_answer(
        {
            "id": answer_id,
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": answer.finish}],
            "usage": None if answer.usage is None else encode_usage(answer.usage),
            "system_fingerprint": fingerprint,
        }
    )
