"""vLLM's `/v1/completions`: text in, text out, no template and no parser. Recorded on 0.32.0, 2026-11-22 and 2026-11-24."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.raw import Ask, Constraint, TextEndpoint, usage_told
from tidegate.dialects.readers import FIM, Fields
from tidegate.dialects.refusals import asks_prefix


def write(ask: Ask) -> Fields:
    fields: Fields = {
        "model": ask.model,
        "prompt": ask.prompt,
        "max_tokens": ask.most,  # null and left out both mean 16 (run 2026-11-24)
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "top_k": 0,
        "min_p": 0,
        "repetition_penalty": 1,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    if ask.rendered:
        fields |= {"add_special_tokens": False, "skip_special_tokens": False}
    if ask.suffix is not None:
        fields["suffix"] = ask.suffix
    if ask.seed is not None:
        fields["seed"] = ask.seed
    if ask.stop:
        fields["stop"] = list(ask.stop)
    if ask.logprobs is not None:
        fields["logprobs"] = ask.logprobs
    if ask.constraint is not None:
        fields["structured_outputs"] = _enforced(ask.constraint)
    return fields


def write_completion(ask: Ask) -> Fields:
    """Its usage is read at the end only."""
    fields = write(ask) | {"stream_options": {"include_usage": True}}
    fields.pop("skip_special_tokens", None)
    return fields


def _enforced(constraint: Constraint) -> Fields:
    if constraint.kind == "regex":
        return {"regex": constraint.pattern}
    return {"json": constraint.pattern} if constraint.pattern else {"json_object": True}


COMPLETIONS = TextEndpoint(
    path="/v1/completions",
    wire=FIM,
    write=write,
    progress=usage_told,
    formats=frozenset({"json", "regex"}),
)
_INFILLS = TextEndpoint(path="/v1/completions", wire=FIM, write=write_completion)
FIM_COMPLETIONS = replace(_INFILLS, infill=_INFILLS)


def chat_is_wrong(request: ChatRequest, traits: Traits) -> bool:
    """In the tokenizer modes of DeepSeek a prefix is closed and answered again; without its parsers the server hands on
    what the model wrote."""
    return (
        asks_prefix(request)
        or (traits.parses_calls is False and bool(request.tools))
        or (traits.splits_reasoning is False and request.thinks)
    )
