"""Log probabilities of the right shape, and always the same for the same token and place. They measure nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from tidegate.simulator.prompt import Token

_LIKELY_MILLI = 900


def token_entry(token: Token, place: int, alternatives: int, token_bytes: Callable[[int], bytes]) -> dict[str, Any]:
    """One member of `logprobs.content`; the first alternative is the token itself."""
    logprob = token_logprob(token, place)
    entry = _entry(token.data, logprob)
    others = [_entry(token.data, logprob)] if alternatives else []
    for number in range(1, alternatives):
        other = token_bytes(token.token_id + number * 7919)
        others.append(_entry(other, round(logprob - number, 4)))
    return {**entry, "top_logprobs": others}


def token_logprob(token: Token, place: int) -> float:
    """Between -0.9 and -0.001."""
    return -(crc32(token.data, place) % _LIKELY_MILLI + 1) / 1000


def token_text(data: bytes) -> str:
    """A token that is no text by itself is written byte by byte, as DeepSeek's package does."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" for byte in data)


def _entry(data: bytes, logprob: float) -> dict[str, Any]:
    return {"token": token_text(data), "logprob": logprob, "bytes": list(data)}
