"""SGLang's OpenAI server. Declared: read in the source of 0.5.23, 2026-11-24; nothing of it was run."""

from __future__ import annotations

import re
from dataclasses import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.core.errors import GatewayError, NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule, Rulebook
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
from tidegate.dialects.stages import AnswerInReasoning
from tidegate.dialects.thinking import splitting

SGLANG_RULES = Rulebook("SGL", "SGLang")
_READ = "SGLang 0.5.23 source, not run, 2026-11-24"


def _rule(code: str, title: str, why: str) -> Rule:
    return SGLANG_RULES.rule(code, title, why=why, source=_READ, checked="2026-11-24")


THINKING = _rule(
    "SGL001",
    "thinking is switched by chat_template_kwargs, always explicitly; effort is named only while it is on",
    "For V4 the server's default is off, the contract's is on, and the field `thinking` is ignored. Templates know "
    "`thinking` or `enable_thinking`, so both are sent. An effort other than none would switch thinking on by itself.",
)
SAMPLING = _rule(
    "SGL002",
    "temperature and top_p are 1 unless asked otherwise, always in thinking mode; the contract has no other sampling",
    "The server takes what is not said, top_k and penalties too, from the model's generation_config.",
)
LENGTH = _rule(
    "SGL003",
    "a missing max_tokens becomes the contract's default where that is sure to fit beside the prompt; else it stays missing",
    "The server answers 400 when prompt and max_tokens together exceed its window, and the contract's default (8,192, in "
    "thinking mode 65,536 or 131,072) easily does. How long a prompt can be at most is told from its bytes. Where the "
    "default does not fit or the window is not known, the answer may fill the rest of the window.",
)
PREFIX = _rule(
    "SGL004",
    "a prefix is sent with continue_final_message, without its flag",
    "Otherwise the server makes a user's turn of it. V4 continues it as the contract says; other models' templates lose "
    "the reasoning that stands beside it.",
)
PARTED_PREFIX = _rule(
    "SGL005",
    "a prefix made of several content parts is refused",
    "The server continues text only; it would close this message and answer it.",
)
ANSWER = _rule(
    "SGL006",
    "an answer that arrived as reasoning although thinking was off is moved to the content",
    "A parser of a model that always thinks takes all before `</think>` for reasoning. With thinking off, reasoning is "
    "held back until content follows or the answer ends.",
)
INLINE = _rule(
    "SGL007",
    "reasoning inside the content is split off",
    "Without --reasoning-parser tags come as text. R1 and V4 do not write `<think>`, so their reasoning can be told in a "
    "stream only where the server is known to have no parser; else only what begins with the tag.",
)
LONE_CHOICE = _rule(
    "SGL008",
    "tool_choice without tools is not sent",
    "The contract ignores it; here it would reach the grammar.",
)
MODEL = _rule(
    "SGL009",
    "the server does not check the model's name",
    "It answers with the one model it runs and echoes whatever name was asked. `/v1/models` says what it is.",
)
CACHE = _rule(
    "SGL010",
    "cached tokens are unknown",
    "The server reports them only with --enable-cache-report. Unknown is null, not 0.",
)
ABORT = _rule(
    "SGL011",
    "an aborted answer ends with insufficient_system_resource",
    "The server's word `abort` is not in the contract.",
)

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


def state_unchecked_model(_request: ChatRequest, _fields: Fields) -> bool:
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
        (MODEL, state_unchecked_model),
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
