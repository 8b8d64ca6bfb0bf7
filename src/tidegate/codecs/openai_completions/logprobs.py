"""The four parallel arrays of a completion's `logprobs`: one object per token inside, arrays on the wire."""

from __future__ import annotations

from typing import Any

from tidegate.core.errors import BrokenContract
from tidegate.core.jsonvalue import as_list, as_object

COLUMNS = {
    "token": "tokens",
    "logprob": "token_logprobs",
    "top_logprobs": "top_logprobs",
    "text_offset": "text_offset",
}
"""Member of one token to array of the wire."""


def decode_logprobs(value: Any) -> tuple[Any, ...] | None:
    """One object per token with the members that were sent; None when there are no logprobs or no token."""
    fields = as_object(value)
    if fields is None:
        return None
    columns = {name: items for name, column in COLUMNS.items() if (items := as_list(fields.get(column))) is not None}
    lengths = {len(items) for items in columns.values()}
    if len(lengths) > 1:
        raise BrokenContract("the backend's logprobs are arrays of different lengths")
    count = lengths.pop() if lengths else 0
    return tuple({name: items[index] for name, items in columns.items()} for index in range(count)) or None


def encode_logprobs(tokens: tuple[Any, ...] | None) -> dict[str, Any] | None:
    if tokens is None:
        return None
    return {
        column: [(as_object(token) or {}).get(name) for token in tokens]
        for column, name in (
            ("text_offset", "text_offset"),
            ("token_logprobs", "logprob"),
            ("tokens", "token"),
            ("top_logprobs", "top_logprobs"),
        )
    }
