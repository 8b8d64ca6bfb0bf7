"""vLLM's `/v1/completions`: text in, text out, no template and no parser. Recorded on 0.32.0, 2026-11-22 and 2026-11-24."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.raw import Ask, Constraint, TextEndpoint, lacks_parsers, openai_fields, usage_told
from tidegate.dialects.readers import FIM, Fields
from tidegate.dialects.refusals import asks_prefix


def write(ask: Ask) -> Fields:
    """The length is always said: null and left out both mean 16 (run 2026-11-24)."""
    fields = write_completion(ask) | {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    if ask.rendered:
        fields["skip_special_tokens"] = False
    return fields


def write_completion(ask: Ask) -> Fields:
    """Its usage is read at the end only."""
    fields = openai_fields(ask) | {"top_k": 0, "min_p": 0, "repetition_penalty": 1}
    if ask.rendered:
        fields["add_special_tokens"] = False
    if ask.constraint is not None:
        fields["structured_outputs"] = _enforced(ask.constraint)
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
    return asks_prefix(request) or lacks_parsers(request, traits)
