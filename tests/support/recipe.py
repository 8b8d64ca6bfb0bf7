"""DeepSeek's own package as a judge: what it refuses, with pass-back enforced, and the prompt that a request becomes."""

from __future__ import annotations

import json
from typing import Any

from deepseek_recipe import (
    ChatCompletionRequest,
    ConversionError,
    ConversionOptions,
    DeepseekV4Encoding,
    DeepseekV41Encoding,
    ModelVersion,
    ReasoningContentBehavior,
)

PASS_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."
FLASH, PRO = "deepseek-flash", "deepseek-v4-pro"

OPTIONS = (
    ConversionOptions(reasoning_content_behavior=ReasoningContentBehavior.Reject)
    .with_model_alias(FLASH, ModelVersion.DeepseekV41Flash)
    .with_model_alias(PRO, ModelVersion.DeepseekV4Pro)
)


def refusal(body: bytes) -> dict[str, Any] | None:
    """The error envelope that this request gets, or None when it is taken."""
    try:
        ChatCompletionRequest(body.decode()).convert(OPTIONS)
    except ConversionError as error:
        return json.loads(error.body)
    return None


def prompt(body: bytes) -> str:
    """What the model reads, rendered by the encoding of the model that is asked for."""
    converted = ChatCompletionRequest(body.decode()).convert(OPTIONS)
    encoding = DeepseekV4Encoding() if json.loads(body)["model"] == PRO else DeepseekV41Encoding()
    return encoding.render_conversation(converted.conversation).prompt
