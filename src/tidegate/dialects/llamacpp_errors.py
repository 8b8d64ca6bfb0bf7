"""llama.cpp's error bodies as errors of ours, told apart by their `type`; no text of them is handed on.

Bodies as b11549 answered, run 2026-11-22.
"""

from __future__ import annotations

from tidegate.core.errors import BackendLoading, BackendOverloaded, GatewayError, NotSupported
from tidegate.dialects.base import NO_FIM
from tidegate.dialects.errors import by_status, error_object, window_exceeded


def read_error(status: int, body: bytes) -> GatewayError:
    match error_object(body):
        case {"type": "exceed_context_size_error", "n_ctx": int(window), "n_prompt_tokens": int(asked)}:
            return window_exceeded(window, str(asked))
        case {"type": "unavailable_error", "message": "Loading model"}:
            return BackendLoading(
                "the backend is still loading its model; raise `[timeouts] load_s` or try again later"
            )
        case {"type": "unavailable_error"}:
            return BackendOverloaded("the backend cannot take a request now (HTTP 503); try again later")
        case {"type": "not_supported_error"} if status == 501:
            return NotSupported(f"the model at this backend does not support this request, see {NO_FIM.code}")
        case _:
            return by_status(status, None)
