"""vLLM's OpenAI server. Behaviour recorded on 0.32.0, 2026-11-22; what was only read in its source says so."""

from __future__ import annotations

from tidegate.core.requests import ChatRequest, NamedTool
from tidegate.dialects import openai_shape as shape
from tidegate.dialects import questions
from tidegate.dialects import vllm_raw as raw
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.declared import declared, native, refused
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.fitting import fills_window, in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.prefixes import continuing
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.refusals import asks_prefix, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.stages import AnswerInReasoning, CallsFinish
from tidegate.dialects.thinking import splitting
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema
from tidegate.dialects.vllm_errors import read_error
from tidegate.dialects.vllm_rules import (
    ANSWER,
    CACHE,
    CONTINUED,
    CUT,
    INLINE,
    JSON,
    LENGTH,
    LONE_CHOICE,
    NAMED,
    PREFIX,
    REASONING,
    SAMPLING,
    STREAM,
    STRICT_CALLS,
    THINKING,
    TOOLS,
    VLLM_RULES,
)

SPLITTING = splitting(INLINE)


def _answer_in_reasoning(request: ChatRequest) -> AnswerInReasoning | None:
    """Also behind a prefix whose thought is over: the parser takes the continuation for one."""
    return None if request.thinks and not request.thought_before else AnswerInReasoning(ANSWER.code)


FIT = RawFitting(
    raw=raw.COMPLETIONS,
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.FIM_COMPLETIONS,
    infills=True,
    refuses=PREFIX,
    continues=continuing(CONTINUED, {"continue_final_message": True, "add_generation_prompt": False}),
)

VLLM = Dialect(
    name="vllm",
    title="vLLM",
    rules=VLLM_RULES,
    read_error=read_error,
    questions=questions.VLLM,
    on_meaning=(AS_SYSTEM, (TOLD_FORMAT, tell_schema)),
    on_request=(
        (STREAM, shape.always_stream),
        (THINKING, shape.switch_by_template),
        (SAMPLING, shape.plain_sampling(top_k_off=0)),
        (LENGTH, shape.state_missing_length),
        refusal(PREFIX, "prefix", asks_prefix),
        (LONE_CHOICE, shape.drop_lone_choice),
        (JSON, shape.state_json),
        (STRICT_CALLS, shape.force_strictly),
        *FOR_LOCAL_RUNTIMES,
    ),
    on_chunk=(
        (REASONING, shape.rename_reasoning),
        (STREAM, shape.refuse_empty_call),
        (CUT, shape.reopen_cut_call),
        (CACHE, shape.lacks_cache),
    ),
    stages=(
        _answer_in_reasoning,
        SPLITTING,
        *READS,
        lambda request: CallsFinish(NAMED.code) if isinstance(request.tool_choice, NamedTool) else None,
        *CHECKS,
        refuse_empty,
    ),
    fit=in_turn(fills_window(LENGTH, prompt_counts=False), splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    declares=declared(
        "0.32.0",
        thinking_off=native(THINKING),
        json=native(JSON),
        tools=native(TOOLS),
        forced_tools=native(STRICT_CALLS),
        prefix=refused(PREFIX),
        fim=native(NO_FIM),
    ),
    always_streams=True,
    fim=FIT.unknown(),
)
