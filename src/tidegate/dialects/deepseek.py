"""The hosted DeepSeek API: it is the contract, so its stream stays byte-exact and requests go as they came, but for one quirk.

Error texts: DeepSeek API, collected 2026-07-27 to 2026-09-23.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from tidegate.core.errors import GatewayError
from tidegate.core.messages import Message, ReasoningPart
from tidegate.core.profile import FEATURES, Fact
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.base import Dialect
from tidegate.dialects.errors import by_status, error_object, known_message

DEEPSEEK_RULES = Rulebook("DSK", "Hosted DeepSeek API")

NO_REASONING = DEEPSEEK_RULES.rule(
    "DSK001",
    'an earlier turn without reasoning is sent with reasoning_content ""',
    why="In thinking mode the contract refuses a request with tools when an earlier assistant turn lacks its reasoning "
    "(VAL035). Where neither the client nor the gateway has it, as for turns of a model that did not think, the empty "
    "text says so; nothing is invented.",
    source="DeepSeek create-chat-completion reference, 2026-08-27 (all earlier assistant turns while tools are sent); "
    "deepseek-recipe 0.2.0 in Reject mode accepts the empty text, and refuses without tools too when a turn with tool "
    "calls lacks reasoning and no user message follows it, run 2026-11-24",
    checked="2026-11-24",
)

_RANGES = ("max_tokens", "temperature", "top_p", "n", "seed", "frequency_penalty", "presence_penalty")
_TEXTS = (
    ".messages[",
    "An assistant message with 'tool_calls'",
    "An object with no properties",
    "Cannot use strict tool",
    "Content Exists Risk",
    "Empty input messages",
    "Function call should not be used with prefix",
    "Image in assistant message",
    # Only those that hold no value of the client's: others quote parts of a schema.
    *(f"Invalid {name} value" for name in _RANGES),
    "Invalid 'messages[",
    "Invalid 'stop",
    "Invalid 'tools[",
    "Invalid 'user_id'",
    "Invalid assistant message: content",
    "Invalid completion message: prefix",
    "Invalid top_logprobs",
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
# "Your current concurrency is 26, which exceeds your concurrency limit of 25 based on your remaining balance."
# (jobfetcher#42 and #44, 2026-09; the documentation does not have it). Six digits: the largest published limit is 2500.
_LIMIT = re.compile(r"\bconcurrency limit of (\d{1,6})\b")


def say_no_reasoning(request: ChatRequest) -> ChatRequest:
    """Without tools only turns with calls need it, where it is not rendered. They have it from then on too, so that the
    bytes of a turn stay the same while the conversation grows."""
    if not request.thinks or not any(_lacks_reasoning(message, request) for message in request.messages):
        return request
    messages = tuple(
        replace(message, parts=(ReasoningPart(""), *message.parts)) if _lacks_reasoning(message, request) else message
        for message in request.messages
    )
    return replace(request, messages=messages)


def _lacks_reasoning(message: Message, request: ChatRequest) -> bool:
    needs = message.role == "assistant" and (bool(request.tools) or message.has_calls)
    return needs and not message.has_reasoning


def read_error(status: int, body: bytes) -> GatewayError:
    message = known_message(error_object(body), _TEXTS)
    told = _LIMIT.search(message) if message and status == 429 else None
    return by_status(status, message, limit=int(told[1]) if told else None)


DEEPSEEK = Dialect(
    name="deepseek",
    title="hosted DeepSeek API",
    rules=DEEPSEEK_RULES,
    read_error=read_error,
    chat_path="/chat/completions",
    beta_chat_path="/beta/chat/completions",
    fim_path="/beta/completions",
    models_path="/models",
    messages_path="/anthropic/v1/messages",
    declares=tuple(Fact(feature, "native", "declared") for feature in FEATURES),
    on_meaning=((NO_REASONING, say_no_reasoning),),
    transparent=True,
)
