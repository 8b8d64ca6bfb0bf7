"""llama.cpp's server, as found on the network and as embedded. Checked on b11549 (xllamacpp 2026.10.11549), 2026-11-22."""

from __future__ import annotations

from tidegate.codecs.answers import load_answer
from tidegate.core.profile import Fact
from tidegate.core.requests import ChatRequest
from tidegate.dialects import llamacpp_raw as raw
from tidegate.dialects import questions
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.checked_json import CHECKED_JSON
from tidegate.dialects.declared import Had, declared, emulated, native
from tidegate.dialects.defaults import contract_effort, contract_length, contract_sampling
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.fitting import in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.llamacpp_errors import read_error
from tidegate.dialects.llamacpp_rules import (
    BUDGET,
    FROM_START,
    INLINE,
    LENGTH,
    LLAMACPP_RULES,
    LOGPROBS,
    MODEL,
    PREFIX,
    SAMPLING,
    STREAM,
    THINKING,
    TOOL_CHOICE,
)
from tidegate.dialects.openai_shape import always_stream, state_always
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import Fields
from tidegate.dialects.refusals import asks_logprobs, format_of, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.tells import TellsSlots
from tidegate.dialects.thinking import opened


def switch_thinking(request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    fields.pop("reasoning_effort", None)
    fields["chat_template_kwargs"] = {"enable_thinking": request.thinks}
    if request.thinks:
        fields["reasoning_effort"] = contract_effort(request)
    return True


def plain_sampling(request: ChatRequest, fields: Fields) -> bool:
    fields.update(top_k=0, min_p=0)
    contract_sampling(request, fields)
    return True


def bare_prefix(request: ChatRequest, fields: Fields) -> bool:
    fields["messages"][-1].pop("prefix", None)
    return request.messages[-1].prefix


def leave_room_for_json(request: ChatRequest, fields: Fields) -> bool:
    if not request.thinks or format_of(request) not in ("json_object", "json_schema") or "max_tokens" not in fields:
        return False
    fields["thinking_budget_tokens"] = max(1, fields["max_tokens"] // 2)
    return True


def asks_logprobs_of_calls(request: ChatRequest) -> bool:
    return asks_logprobs(request) and bool(request.tools)


def slots_in(props: bytes) -> int | None:
    """Excess requests are deferred without limit (b11549), so the gateway must know how many are worked on."""
    total = load_answer(props).get("total_slots")
    return total if isinstance(total, int) and not isinstance(total, bool) and total > 0 else None


def hold_from_start(request: ChatRequest, fields: Fields) -> bool:
    if request.thinks or "response_format" not in fields:
        return False
    fields["reasoning_format"] = "none"
    return True


FOR_ANY_LLAMACPP = (
    (FROM_START, hold_from_start),
    refusal(LOGPROBS, "logprobs with tools", asks_logprobs_of_calls),
    (STREAM, always_stream),
    (THINKING, switch_thinking),
    (PREFIX, bare_prefix),
    *FOR_LOCAL_RUNTIMES,
)
CALLS_BY_SCHEMA = (TOOL_CHOICE, call_by_schema)
STAGES = (*READS, reading_call, *CHECKS, refuse_empty)


def declares(fim: Had) -> tuple[Fact, ...]:
    """The same server, whatever its model can fill in."""
    return declared(
        "b11549",
        thinking_off=native(THINKING),
        json=native(CHECKED_JSON),
        tools=native(CHECKED_CALLS),
        forced_tools=emulated(TOOL_CHOICE),
        prefix=native(PREFIX),
        fim=fim,
    )


SPLITTING = opened(INLINE)
FIT = RawFitting(
    raw=raw.COMPLETION,
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.COMPLETION,
    infills=True,
)

LLAMACPP = Dialect(
    name="llamacpp",
    title="llama.cpp server",
    rules=LLAMACPP_RULES,
    read_error=read_error,
    questions=questions.LLAMACPP,
    on_meaning=(AS_SYSTEM, CALLS_BY_SCHEMA),
    on_request=(
        (MODEL, state_always),
        (LENGTH, contract_length),
        (BUDGET, leave_room_for_json),
        (SAMPLING, plain_sampling),
        *FOR_ANY_LLAMACPP,
    ),
    stages=(SPLITTING, *STAGES),
    fit=in_turn(splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    declares=declares(native(NO_FIM)),
    always_streams=True,
    fim=FIT.unknown(),
    tells_slots=TellsSlots("/props", slots_in),
)
