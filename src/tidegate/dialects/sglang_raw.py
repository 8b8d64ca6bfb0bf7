"""SGLang's `/v1/completions`. Declared: read in its source (protocol.py and serving_completions.py), 2026-11-24, not run."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.raw import Ask, Constraint, TextEndpoint, lacks_parsers, openai_fields, usage_told
from tidegate.dialects.readers import FIM, Fields


def write(ask: Ask) -> Fields:
    """The length must be a number here, and the server refuses one that its window cannot hold."""
    fields = write_completion(ask) | {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    if ask.rendered:
        fields["skip_special_tokens"] = False
    return fields


def write_completion(ask: Ask) -> Fields:
    """Its usage is read at the end only."""
    fields = openai_fields(ask) | {"top_k": -1, "min_p": 0, "repetition_penalty": 1}
    if ask.constraint is not None:
        fields |= _enforced(ask.constraint)
    return fields


def _enforced(constraint: Constraint) -> Fields:
    if constraint.kind == "regex":
        return {"regex": constraint.pattern}
    return {"json_schema": constraint.pattern or '{"type": "object"}'}


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
    """Without its parsers the server hands on what the model wrote."""
    return lacks_parsers(request, traits)
