"""SGLang's OpenAI server. Declared: read in the source of 0.5.23, 2026-11-24; nothing of it was run."""

from __future__ import annotations

import re
from dataclasses import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.core.errors import GatewayError, NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.dialects import openai_shape as shape
from tidegate.dialects import questions
from tidegate.dialects import sglang_raw as raw
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.checked_json import CHECKED_JSON
from tidegate.dialects.declared import declared, native, refused
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status, error_object, window_exceeded
from tidegate.dialects.fitting import fills_window, in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import Fields
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.sglang_rules import (
    ABORT,
    ANSWER,
    CACHE,
    INLINE,
    LENGTH,
    LONE_CHOICE,
    MODEL,
    PARTED_PREFIX,
    PREFIX,
    SAMPLING,
    SGLANG_RULES,
    THINKING,
)
from tidegate.dialects.stages import AnswerInReasoning
from tidegate.dialects.thinking import splitting

_PROMPT = re.compile(r"The input \((\d{1,12}) tokens\) is longer than the model's context length \((\d{1,12}) tokens\)")
_TOTAL = re.compile(
    r"Requested token count exceeds the model's maximum context length of (\d{1,12}) tokens\. You requested a total of (\d{1,12}) "
    r"tokens: (\d{1,12}) tokens from the input messages and (\d{1,12}) tokens for the completion"
)


def continue_prefix(request: ChatRequest, fields: Fields) -> bool:
    last = fields["messages"][-1]
    if not last.pop("prefix", False):
        return False
    if not isinstance(last.get("content") or "", str):
        raise NotSupported(f"a prefix of several parts is not supported here, see {PARTED_PREFIX.code}; send one text")
    fields["continue_final_message"] = True
    return True


def read_error(status: int, body: bytes) -> GatewayError:
    message = str(error_object(body).get("message", ""))
    if found := _PROMPT.match(message):
        return window_exceeded(int(found[2]), found[1])
    if found := _TOTAL.match(message):
        context, asked, prompt, output = map(int, found.groups())
        contract = contract_named(DEFAULT_PROFILE)
        return contract.mistake("context_length", context=context, asked=asked, prompt=prompt, output=output)
    return by_status(status, None)


SPLITTING = splitting(INLINE)
FIT = RawFitting(
    raw=replace(raw.COMPLETIONS, on_chunk=((ABORT, shape.name_abort),)),
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.FIM_COMPLETIONS,
)

SGLANG = Dialect(
    name="sglang",
    title="SGLang",
    rules=SGLANG_RULES,
    read_error=read_error,
    questions=questions.SGLANG,
    on_meaning=(AS_SYSTEM,),
    on_request=(
        (MODEL, shape.state_always),
        (THINKING, shape.switch_by_template),
        (SAMPLING, shape.plain_sampling(top_k_off=-1)),
        (LENGTH, shape.state_missing_length),
        (PREFIX, continue_prefix),
        (LONE_CHOICE, shape.drop_lone_choice),
        *FOR_LOCAL_RUNTIMES,
    ),
    on_chunk=((CACHE, shape.lacks_cache), (ABORT, shape.name_abort)),
    stages=(
        lambda request: None if request.thinks else AnswerInReasoning(ANSWER.code),
        SPLITTING,
        *READS,
        *CHECKS,
        refuse_empty,
    ),
    fit=in_turn(fills_window(LENGTH, prompt_counts=True), splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    fim=FIT.unknown(),
    declares=declared(
        "0.5.23",
        thinking_off=native(THINKING),
        json=native(CHECKED_JSON),
        tools=native(CHECKED_CALLS),
        forced_tools=native(CHECKED_CALLS),
        prefix=native(PREFIX),
        fim=refused(NO_FIM),
    ),
)
