"""vLLM's error bodies as errors of ours. A text of its own is handed on only where its beginning says that it quotes nothing.

Bodies as 0.32.0 answered, run 2026-11-22; the texts about tools and two of the three overflows as its source has them.
"""

from __future__ import annotations

import re

from tidegate.core.errors import BackendRefused, GatewayError, NotSupported
from tidegate.dialects.base import NO_FIM
from tidegate.dialects.errors import by_status, error_object, known_message, window_exceeded
from tidegate.dialects.vllm_rules import TOOLS

_INPUT = re.compile(
    r"This model's maximum context length is (\d{1,12}) tokens\. However, your prompt contains "
    r"(?:((?:at least )?\d{1,12}) input tokens|\d+ char)"
)
_OUTPUT = re.compile(r"max_(?:completion_)?tokens=(\d{1,12}) cannot be greater than max_model_len=(\d{1,12})")
_NO_PARSER = re.compile(
    r'("auto" tool choice|tool_choice=.{1,300}) requires --(enable-auto-tool-choice|tool-call-parser)'
)
_TEXTS = ("temperature must be ", "top_p must be ", "max_tokens must be ", "Requested sample logprobs of ")


def read_error(status: int, body: bytes) -> GatewayError:
    error = error_object(body)
    message = str(error.get("message", ""))
    if found := _INPUT.match(message):
        return window_exceeded(int(found[1]), found[2] or f"more than {found[1]}")
    if found := _OUTPUT.match(message):
        return window_exceeded(int(found[2]), found[1], "completion")
    if _NO_PARSER.match(message):
        return NotSupported(f"tools are not supported by this backend, see {TOOLS.code}; use another `model`")
    if message.startswith("suffix is only supported for"):
        return NotSupported(f"`suffix` is not supported by the model at this backend, see {NO_FIM.code}")
    if status == 404 and error.get("param") == "model":
        return BackendRefused("the backend does not serve this model (HTTP 404); check `models` of that backend")
    return by_status(status, known_message(error, _TEXTS))
