"""Errors of the one tree on their way between the processes: by class and message, and made anew on the other side."""

from __future__ import annotations

from msgspec import Struct

from tidegate.core import errors
from tidegate.core.errors import GatewayError, RateLimited


class Told(Struct, frozen=True, array_like=True):
    kind: str
    message: str
    retry_after_s: float | None = None
    limit: int | None = None


def told(error: GatewayError) -> Told:
    return Told(type(error).__name__, error.message, error.retry_after_s, getattr(error, "limit", None))


def error_of(told: Told) -> GatewayError:
    """An error of the same class. One that the tree does not have is the gateway's own fault."""
    kind = getattr(errors, told.kind, None)
    if not isinstance(kind, type) or not issubclass(kind, GatewayError):
        return GatewayError(f"{told.kind} between the processes")
    if told.limit is not None and issubclass(kind, RateLimited):
        return kind(told.message, retry_after_s=told.retry_after_s, limit=told.limit)
    return kind(told.message, retry_after_s=told.retry_after_s)
