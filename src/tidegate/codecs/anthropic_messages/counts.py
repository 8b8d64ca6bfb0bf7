"""The usage object and the stop reasons of an answer, both directions.

`input_tokens` leaves out what the cache held: the prompt is input + cache read (+ cache written, which is always 0 at
DeepSeek). A final count that nobody reported is null, never 0. Only `message_start` says 0 for what is not known yet:
its counts are a running total that `message_delta` replaces, and clients of the official SDKs do sums with them (the
SDK's types want integers there and allow null in `message_delta`; anthropic 2.12.0, run 2026-11-24).
"""

from __future__ import annotations

from typing import Any

from tidegate.codecs.usage import count_of
from tidegate.core.errors import BackendOverloaded, BrokenContract
from tidegate.core.usage import Usage

_STOP_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
_FINISHES = {
    **{reason: finish for finish, reason in _STOP_REASONS.items()},
    "stop_sequence": "stop",
    "model_context_window_exceeded": "length",
}


def stop_reason(finish: str, stop_sequence: str | None) -> str:
    """Messages has no word for an answer that ended for lack of resources. To call it whole would be a lie."""
    if finish == "stop" and stop_sequence is not None:
        return "stop_sequence"
    if finish == "insufficient_system_resource":
        raise BackendOverloaded("the backend ran out of resources before the answer was complete")
    reason = _STOP_REASONS.get(finish)
    if reason is None:
        raise BrokenContract("the backend's answer ends for a reason that the contract does not have")
    return reason


def finish_of(reason: object) -> str:
    finish = _FINISHES.get(reason) if isinstance(reason, str) else None
    if finish is None:
        raise BrokenContract("the backend's answer has no stop_reason that the contract knows")
    return finish


def encode_usage(usage: Usage | None, *, begun: bool = False) -> dict[str, Any]:
    """`begun`: the running total of an answer of which nothing was written yet."""
    known = usage or Usage()
    read = known.cache_hit
    fresh = known.prompt if read is None else known.cache_miss
    return {
        "input_tokens": fresh or 0 if begun else fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": read or 0 if begun else read,
        "output_tokens": 0 if begun else known.output,
        "service_tier": "standard",
    }


def decode_usage(fields: dict[str, Any]) -> Usage | None:
    """None when nothing was reported."""
    fresh, read, written = (
        count_of(fields.get(name))
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    prompt = None if fresh is None else count_of(fresh + (read or 0) + (written or 0))
    usage = Usage(prompt=prompt, output=count_of(fields.get("output_tokens")), cache_hit=read)
    return None if usage == Usage() else usage
