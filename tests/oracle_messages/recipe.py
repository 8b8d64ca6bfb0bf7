"""DeepSeek's own package as judge of the Messages format: what it makes of a request, and what it says for a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
from deepseek_recipe import (
    ChatCompletionRequest,
    ConversationRequest,
    ConversionError,
    ConversionOptions,
    DeepseekV4Encoding,
    DeepseekV41Encoding,
    InferenceChunk,
    InferenceFinishReason,
    MessagesRequest,
    MessagesResponse,
    ModelVersion,
    PromptUsage,
    ReasoningContentBehavior,
    StreamProcessor,
)

MODELS = {"deepseek-flash": ModelVersion.DeepseekV41Flash, "deepseek-v4-pro": ModelVersion.DeepseekV4Pro}
UNKNOWN_MODEL = "The supported API model names are"
FINISH = {
    "stop": InferenceFinishReason.Stop,
    "length": InferenceFinishReason.Length,
    "content_filter": InferenceFinishReason.ContentFilter,
}


@dataclass(frozen=True)
class Verdict:
    """A refusal: its status (None for a shape, whose status the package does not say) and its text."""

    status: int | None
    text: str


def options(behaviour: ReasoningContentBehavior) -> ConversionOptions:
    return ConversionOptions(reasoning_content_behavior=behaviour).with_model_versions_by_name(MODELS)


def convert_messages(body: bytes) -> ConversationRequest | Verdict:
    try:
        return MessagesRequest(body).convert(options(ReasoningContentBehavior.Reject))
    except ConversionError as error:
        return Verdict(error.status_code, json.loads(error.body)["error"]["message"])
    except ValueError as error:
        return Verdict(None, str(error).removeprefix("invalid request body: "))


def convert_chat(body: bytes) -> ConversationRequest:
    """What was checked as a Messages request is only to be rendered."""
    return ChatCompletionRequest(body).convert(options(ReasoningContentBehavior.FillEmpty))


def rendered(request: ConversationRequest) -> dict[str, Any]:
    """All that reaches the model: the prompt, its images and how to sample."""
    flash = request.model_version == ModelVersion.DeepseekV41Flash
    encoding = DeepseekV41Encoding() if flash else DeepseekV4Encoding()
    prompt = encoding.render_conversation(request.conversation)
    chosen = request.inference_options
    return {
        "prompt": prompt.prompt,
        "images": [(image.kind, image.data_url, image.url) for image in prompt.image_sources],
        "thinks": request.conversation.thinking_mode,
        "effort": request.conversation.reasoning_effort,
        "tool_choice": request.conversation.tool_choice,
        "stops": request.parsing_options.stop_sequences,
        "stream": request.stream,
        "sampling": (chosen.max_tokens, chosen.temperature, chosen.top_p),
    }


@dataclass(frozen=True)
class Spoken:
    """A model's raw output through the package: the events of the stream, and the whole answer folded from them."""

    events: list[tuple[str, dict[str, Any]]]
    whole: dict[str, Any]


def speak(
    request: dict[str, Any],
    pieces: list[str],
    finish: str = "stop",
    prompt: int = 100,
    hit: int = 64,
    chat: bool = False,
) -> Any:
    """With `chat` the same output as `chat.completion.chunk` objects instead."""
    kind = ChatCompletionRequest if chat else MessagesRequest
    converted = kind(orjson.dumps(request)).convert(options(ReasoningContentBehavior.FillEmpty))
    generator = kind.chunk_generator(converted, "ID-1", "deepseek-flash")
    processor = StreamProcessor(generator, converted.parsing_options)
    usage = PromptUsage(prompt_tokens=prompt, prompt_cache_hit_tokens=hit)
    inputs = [InferenceChunk.ready(prompt_usage=usage, system_fingerprint="fp")]
    inputs += [InferenceChunk.text(piece, 1) for piece in pieces]
    inputs.append(InferenceChunk.finish(FINISH[finish]))
    found: list[Any] = []
    for chunk in inputs:
        if not processor.finished:
            found += processor.push(chunk)
    found += processor.finish()
    if chat:
        return [json.loads(chunk.to_json()) for chunk in found]
    events = [(MessagesResponse.sse_event_name(event) or "", json.loads(event.to_json())) for event in found]
    whole = MessagesResponse("ID-1", "deepseek-flash", 1700000000, prompt, hit)
    for event in found:
        whole.accumulate(event)
    return Spoken(events, json.loads(whole.to_json()))
