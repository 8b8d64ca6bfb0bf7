"""LM Studio's `/v1/completions`. Declared from its documentation, 2026-04-29: no template is applied there. Not run."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.errors import NotSupported
from tidegate.core.profile import Traits
from tidegate.core.requests import ChatRequest
from tidegate.dialects.overflow import OverflowEvents
from tidegate.dialects.raw import Ask, TextEndpoint, openai_fields
from tidegate.dialects.raw_rules import BEYOND
from tidegate.dialects.readers import FIM, Fields
from tidegate.dialects.refusals import format_of


def write(ask: Ask) -> Fields:
    if ask.logprobs is not None:
        raise NotSupported(f"logprobs is not supported by this backend, see {BEYOND.code}; use another `model`")
    return openai_fields(ask)


COMPLETIONS = TextEndpoint(path="/v1/completions", wire=replace(FIM, framing=OverflowEvents), write=write)


def chat_is_wrong(request: ChatRequest, _traits: Traits) -> bool:
    """Whether a template is told to think, and what a parser makes of a call, depends on how the model was loaded. JSON is
    enforced by the chat endpoint only."""
    return format_of(request) in (None, "text")
