"""Errors as clients see them: DeepSeek's envelope. The only place where the error tree becomes bytes.

Shape: compact JSON, keys in the order message, type, param, code (DeepSeek API, collected 2026-07-27).
"""

from __future__ import annotations

import logging
from math import ceil

import orjson

from tidegate.asgi import Header
from tidegate.codecs import sse
from tidegate.core.errors import GatewayError

_log = logging.getLogger("tidegate.surfaces")


def error_body(error: GatewayError) -> bytes:
    code = error.kind if error.kind == "service_unavailable_error" else "invalid_request_error"
    return orjson.dumps({"error": {"message": error.message, "type": error.kind, "param": None, "code": code}})


def error_headers(error: GatewayError) -> list[Header]:
    """When to come back, where that is known: in whole seconds (RFC 9110, 10.2.3)."""
    wait_s = error.retry_after_s
    return [] if wait_s is None else [(b"retry-after", b"%d" % max(1, ceil(wait_s)))]


def error_event(error: GatewayError) -> bytes:
    """The envelope as an event inside a stream whose status line has already gone; SDKs raise on it."""
    return sse.encode(error_body(error))


def unexpected() -> GatewayError:
    """What a client reads when we have a bug: nothing of the inside."""
    return GatewayError("Tidegate failed internally; the exchange id in the headers finds it in the log")


def log_unexpected(error: BaseException) -> None:
    _log.error("unexpected %s", named(error))


def named(error: BaseException) -> str:
    """Class and place only: an exception's text may hold what a client sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown place"
    return f"{type(error).__name__} at {place}"
