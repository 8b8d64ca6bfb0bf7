"""The `usage` object: counts as the backend reported them, in DeepSeek's two cache fields and OpenAI's one."""

from __future__ import annotations

from typing import Any

from tidegate.core.jsonvalue import as_object
from tidegate.core.usage import Usage


def count_of(value: object) -> int | None:
    """A count that a ledger can hold; anything else was not reported."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _inside(usage: dict[str, Any], group: str, name: str) -> int | None:
    details = as_object(usage.get(group))
    return count_of(details.get(name)) if details is not None else None


def decode_usage(usage: object) -> Usage | None:
    """None when there is no usage object; a count that is missing or not a count stays None."""
    fields = as_object(usage)
    if fields is None:
        return None
    hit = count_of(fields.get("prompt_cache_hit_tokens"))
    return Usage(
        prompt=count_of(fields.get("prompt_tokens")),
        output=count_of(fields.get("completion_tokens")),
        cache_hit=hit if hit is not None else _inside(fields, "prompt_tokens_details", "cached_tokens"),
        reasoning=_inside(fields, "completion_tokens_details", "reasoning_tokens"),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """DeepSeek's usage object. A count nobody reported is null, not 0."""
    fields: dict[str, Any] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cache_hit},
    }
    if usage.reasoning is not None:
        fields["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    fields["prompt_cache_hit_tokens"] = usage.cache_hit
    fields["prompt_cache_miss_tokens"] = usage.cache_miss
    return fields
