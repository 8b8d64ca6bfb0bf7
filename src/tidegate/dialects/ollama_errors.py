"""Ollama's error bodies as errors of ours. Its texts name models and may quote more, so none is handed on as it came.

A prompt that is too long is told in three ways: by the engine (an error object as text inside the error, with both
counts), by the server before it asks the engine, and by models that cannot shift.
Source: Ollama source fb30760, 2026-08-21; the nested form as reported by others who ran it, 2026. Not run by us.
"""

from __future__ import annotations

import re

from tidegate.core.errors import BackendRefused, ClientMistake, GatewayError, NotSupported
from tidegate.dialects.errors import by_status, error_object
from tidegate.dialects.ollama_rules import LOCAL, THINKING

_COUNTED = re.compile(r"request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")
_UNCOUNTED = (
    "the prompt is longer than the context length",
    "the input length exceeds the context length",
    "input length exceeds the context length",
)
_INCAPABLE = re.compile(r" does not support (thinking|tools|chat|vision|completion|insert|generate)$")


def read_error(status: int, body: bytes) -> GatewayError:
    text = _text(body)
    if (counted := _COUNTED.match(text)) is not None:
        return ClientMistake(
            f"This model's maximum context length is {counted[2]} tokens. However, you requested {counted[1]} tokens in "
            "the messages. Please reduce the length of the messages."
        )
    if text.startswith(_UNCOUNTED):
        return ClientMistake(
            "This model's maximum context length is less than you requested in the messages. Please reduce the length of "
            "the messages."
        )
    if status == 400 and (lacks := _INCAPABLE.search(text)) is not None:
        advice = "disable thinking, or use" if lacks[1] == "thinking" else "use"
        return NotSupported(f"the model at this backend does not support {lacks[1]}; {advice} another `model`")
    if status == 400 and text.startswith("think value "):
        return NotSupported(f"the model at this backend does not support this effort, see {THINKING.code}")
    if status == 404 or text == "model is required":
        return BackendRefused(
            f"the backend does not have this model (HTTP {status}); pull it, or see {LOCAL.code} if it is a cloud model"
        )
    if status in (401, 403):
        what = "cloud models are switched off" if text.startswith("ollama cloud is disabled") else "access is denied"
        return BackendRefused(f"{what} at this backend (HTTP {status}); see {LOCAL.code} and OLLAMA_HOST")
    return by_status(status, None)


def _text(body: bytes) -> str:
    """The innermost message; the server hands on the engine's error object as text."""
    message = error_object(body).get("message")
    if isinstance(message, str) and message.startswith("{"):
        message = error_object(message.encode()).get("message")
    return message if isinstance(message, str) else ""
