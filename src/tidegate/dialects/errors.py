"""What error bodies of every runtime have in common. Reads shapes and known texts; never hands on a text it cannot vouch for.

A runtime's error text may quote the prompt (llama.cpp b11549 quotes a malformed tool, run 2026-11-22), so only texts
with a known beginning reach the client.
"""

from __future__ import annotations

from typing import Any

import orjson

from tidegate.core.errors import (
    BackendFailed,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    ClientMistake,
    GatewayError,
    NoBalance,
    RateLimited,
    Unprocessable,
)
from tidegate.core.jsonvalue import as_object

_MOST_CHARACTERS = 500


def error_object(body: bytes) -> dict[str, Any]:
    """The `error` member of a JSON error body, whatever its shape; {} when there is none."""
    try:
        value = as_object(orjson.loads(body)) or {}
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error", value)
    return {"message": error} if isinstance(error, str) else as_object(error) or {}


def known_message(error: dict[str, Any], beginnings: tuple[str, ...]) -> str | None:
    message = error.get("message")
    if isinstance(message, str) and message.startswith(beginnings):
        return message[:_MOST_CHARACTERS]
    return None


def by_status(status: int, message: str | None, *, limit: int | None = None) -> GatewayError:
    """The error that an HTTP status means when nothing more is known. `message` is a text that may be shown, `limit` how
    many requests at once it says that the backend takes."""
    match status:
        case 422:
            return Unprocessable(message or "the backend refused the request's parameters (HTTP 422)")
        case 400 | 413:
            return ClientMistake(message or f"the backend refused the request as malformed (HTTP {status})")
        case 401:
            return BackendRefused("the backend refused the gateway's key; check `key_env` of that backend")
        case 403:
            return BackendRefused("the backend denies access (HTTP 403); check what it, or a proxy before it, allows")
        case 402:
            return NoBalance("Insufficient Balance")
        case 404 | 405:
            return BackendRefused(f"the backend does not know the path or the model (HTTP {status}); check `base_url`")
        case 429:
            return RateLimited(message or "the backend limits the rate of requests; try again later", limit=limit)
        case 408 | 504:
            return BackendTimedOut(f"the backend gave up waiting (HTTP {status})")
        case 502:
            return BackendUnreachable("the backend's own upstream is unreachable (HTTP 502)")
        case 503:
            return BackendOverloaded(message or "the backend is overloaded or still loading (HTTP 503)")
        case _ if 300 <= status < 400:
            return BackendRefused(f"the backend answered with a redirect (HTTP {status}); redirects are never followed")
        case _:
            kind = BackendFailed if status >= 500 else BackendRefused
            return kind(f"the backend failed (HTTP {status})")


def window_exceeded(window: int, asked: str, where: str = "messages") -> ClientMistake:
    """An overflow in the contract's words, where the backend counted one side of it only. `asked` may say "at least"."""
    return ClientMistake(
        f"This model's maximum context length is {window} tokens. However, you requested {asked} tokens in the {where}. "
        f"Please reduce the length of the {where}."
    )
