"""The hosted DeepSeek API: it is the contract, so there is nothing to change and its stream stays byte-exact.

Error texts: DeepSeek API, collected 2026-07-27 to 2026-09-23.
"""

from __future__ import annotations

from tidegate.core.errors import GatewayError
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import Dialect
from tidegate.dialects.errors import by_status, error_object, known_message

_TEXTS = (
    "An assistant message with 'tool_calls'",
    "An object with no properties",
    "Cannot use strict tool",
    "Content Exists Risk",
    "Empty input messages",
    "Function call should not be used with prefix",
    "Image in assistant message",
    "Invalid ",
    "Messages with role 'tool'",
    "Prompt must contain the word 'json'",
    "Rate limit reached",
    "Required properties must match",
    "Service is too busy",
    "The `reasoning_content` in the thinking mode",
    "The supported API model names are",
    "The top level of the function parameters",
    "Thinking mode does not support",
    "This model's maximum context length is",
    "Too many requests. Your current concurrency",
    "Tool names must be unique",
    "additionalProperties should not be true",
    "prefix is only available",
    "response_format json_object should not",
    "stream_options should be set",
)


def read_error(status: int, body: bytes) -> GatewayError:
    return by_status(status, known_message(error_object(body), _TEXTS))


DEEPSEEK = Dialect(
    name="deepseek",
    title="hosted DeepSeek API",
    rules=Rulebook("DSK", "Hosted DeepSeek API"),
    read_error=read_error,
    chat_path="/chat/completions",
    models_path="/models",
    transparent=True,
)
