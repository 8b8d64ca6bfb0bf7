"""Whole completions: a `text_completion` object to `Answer` and back."""

from __future__ import annotations

from typing import Any

from tidegate.codecs.answers import dump_answer, named_text, start_of
from tidegate.codecs.openai_completions.logprobs import decode_logprobs, encode_logprobs
from tidegate.codecs.usage import decode_usage, encode_usage
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Finish, Milestones, UsageReport
from tidegate.core.fold import Answer
from tidegate.core.jsonvalue import as_list, as_object


def decode_answer(fields: dict[str, Any]) -> Answer:
    """Refuses an answer without text or finish_reason."""
    choice = _choice(fields)
    return Answer(
        start=start_of(fields),
        text=named_text(choice["text"], "text"),
        finish=named_text(choice.get("finish_reason"), "finish_reason"),
        usage=decode_usage(fields.get("usage")),
        text_logprobs=decode_logprobs(choice.get("logprobs")),
    )


def answer_milestones(fields: dict[str, Any]) -> Milestones:
    """What the books need of a whole answer, without reading what it says."""
    reason = named_text(_choice(fields).get("finish_reason"), "finish_reason")
    usage = decode_usage(fields.get("usage"))
    return Milestones(start_of(fields), Finish(reason), None if usage is None else UsageReport(usage), ended=True)


def _choice(fields: dict[str, Any]) -> dict[str, Any]:
    choices = as_list(fields.get("choices")) or [None]
    choice = as_object(choices[0])
    if choice is None or "text" not in choice:
        raise BrokenContract("the backend's answer lacks choices or text")
    return choice


def encode_answer(answer: Answer, *, answer_id: str, model: str, created: int, fingerprint: str) -> bytes:
    if answer.reasoning is not None or answer.tool_calls:
        raise BrokenContract("the backend's completion holds reasoning or tool calls, which only a chat has")
    choice = {
        "finish_reason": answer.finish,
        "index": 0,
        "logprobs": encode_logprobs(answer.text_logprobs),
        "text": answer.text,
    }
    return dump_answer(
        {
            "id": answer_id,
            "object": "text_completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": None if answer.usage is None else encode_usage(answer.usage),
            "system_fingerprint": fingerprint,
        }
    )
