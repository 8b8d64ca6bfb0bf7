"""LM Studio's server. It is closed source and was not run: all of this is declared from its documentation and bug tracker."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.errors import BackendRefused, GatewayError
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.dialects import lmstudio_raw as raw
from tidegate.dialects import questions
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.cache_fields import tell_unknown_cache
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.declared import declared, emulated, native, refused
from tidegate.dialects.defaults import as_contract
from tidegate.dialects.emptiness import refuse_empty_whatever_counted
from tidegate.dialects.errors import by_status, error_object, known_message
from tidegate.dialects.fitting import in_turn, keeps_reminders
from tidegate.dialects.lmstudio_rules import (
    DEFAULTS,
    JSON,
    LMSTUDIO_RULES,
    MODEL,
    OVERFLOW,
    REASONING,
    REFUSED,
    THINKING,
    TOOL_CHOICE,
)
from tidegate.dialects.openai_shape import rename_reasoning
from tidegate.dialects.overflow import OverflowEvents, overflow_in, tell_overflow
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import CHAT, Fields
from tidegate.dialects.refusals import asks_logprobs, asks_prefix, asks_regex, format_of, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.served_model import ServedModel
from tidegate.dialects.tells import TellsLoaded, entries
from tidegate.dialects.thinking import splitting
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema

_PREDICTIONS = 4
"""Its "Max concurrent predictions" unless set otherwise; the rest queues there. LM Studio documentation, 2026-04-29."""
_ANY_OBJECT: Fields = {"name": "object", "strict": True, "schema": {"type": "object"}}


def tell_effort(request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    told = "low" if request.effort in ("minimal", "low") else "high"
    fields["reasoning_effort"] = told if request.thinks else "none"
    return True


def as_schema(request: ChatRequest, fields: Fields) -> bool:
    if format_of(request) == "json_object":
        fields["response_format"] = {"type": "json_schema", "json_schema": _ANY_OBJECT}
    return format_of(request) in ("json_object", "json_schema")


def read_error(status: int, body: bytes) -> GatewayError:
    error = error_object(body)
    if known_message(error, ("No models loaded",)):
        return BackendRefused("the backend has no model loaded; load one in LM Studio")
    return overflow_in(error) or by_status(status, None)


def check_model(request: ChatRequest | FimRequest) -> ServedModel:
    return ServedModel(MODEL, request.model)


FIT = RawFitting(
    may_cut=True,
    raw=replace(raw.COMPLETIONS, on_chunk=((OVERFLOW, tell_overflow),)),
    chat_is_wrong=raw.chat_is_wrong,
    stages=(check_model, refuse_empty_whatever_counted),
    fim=raw.COMPLETIONS,
    fim_stages=(check_model,),
)


def loaded_in(models: bytes) -> frozenset[str]:
    """A listed model that is not loaded is loaded by the first request for it."""
    return frozenset(
        entry["id"]
        for entry in entries(models, "data")
        if entry.get("state") == "loaded" and isinstance(entry.get("id"), str)
    )


LMSTUDIO = Dialect(
    name="lmstudio",
    title="LM Studio server",
    rules=LMSTUDIO_RULES,
    read_error=read_error,
    questions=questions.LMSTUDIO,
    on_meaning=(AS_SYSTEM, (TOLD_FORMAT, tell_schema), (TOOL_CHOICE, call_by_schema)),
    on_request=(
        refusal(REFUSED, "prefix", asks_prefix),
        refusal(REFUSED, "logprobs", asks_logprobs),
        refusal(REFUSED, "response_format regex", asks_regex),
        (THINKING, tell_effort),
        (DEFAULTS, as_contract),
        (JSON, as_schema),
        *FOR_LOCAL_RUNTIMES,
    ),
    on_chunk=((OVERFLOW, tell_overflow), (REASONING, rename_reasoning)),
    stages=(
        check_model,
        splitting(REASONING),
        *READS,
        tell_unknown_cache,
        reading_call,
        *CHECKS,
        refuse_empty_whatever_counted,
    ),
    declares=declared(
        "0.4.21",
        thinking_off=native(THINKING),
        json=native(JSON),
        tools=native(CHECKED_CALLS),
        forced_tools=emulated(TOOL_CHOICE),
        prefix=refused(REFUSED),
        fim=refused(NO_FIM),
    ),
    wire=replace(CHAT, framing=OverflowEvents),
    fit=in_turn(keeps_reminders, FIT),
    fim=FIT.unknown(),
    slots=_PREDICTIONS,
    tells_loaded=TellsLoaded("/api/v0/models", loaded_in),
)
