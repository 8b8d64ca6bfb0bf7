"""LM Studio's server. It is closed source and was not run: all of this is declared from its documentation and bug tracker."""

from __future__ import annotations

from dataclasses import replace

from tidegate.core.errors import BackendRefused, GatewayError
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.rulebook import Rulebook
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

_BUGS = "lmstudio-ai/lmstudio-bug-tracker"
LMSTUDIO_RULES = Rulebook("LMS", "LM Studio server")

THINKING = LMSTUDIO_RULES.rule(
    "LMS001",
    "thinking is told by reasoning_effort `none`, `low` or `high`; a model without that switch does as it was loaded",
    why="`thinking` and `chat_template_kwargs` are ignored. The effort is heeded since 0.4.17, by models whose template "
    "has a switch; others think or do not think as set in the application. There is no `max`: it is told as `high`.",
    source=f"{_BUGS}#2057 (answer of 2026-06-18), #988, #632; yoy123/lmstudio-copilot-provider#35, 2026-07-14",
    checked="2026-11-24",
)

REASONING = LMSTUDIO_RULES.rule(
    "LMS002",
    "reasoning arrives as `reasoning` or inside `<think>` and becomes `reasoning_content`",
    why="gpt-oss models answer with `reasoning`, others with `reasoning_content` if the developer settings say so, else "
    "inline. In a stream, reasoning whose `<think>` stood in the prompt cannot be told from text: set it in LM Studio.",
    source="LM Studio documentation (0.3.9 and 0.3.23 changes), 2026-04-29",
    checked="2026-11-24",
)

DEFAULTS = LMSTUDIO_RULES.rule(
    "LMS003",
    "max_tokens, temperature and top_p are sent as the contract has them by default; top_k and min_p stay as set there",
    why="The server's default length is unlimited and its sampling is the application's. The contract has no word for "
    "top_k and min_p, and which value switches them off is not documented.",
    source="LM Studio documentation (chat completions), 2026-04-29; DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-24",
)

JSON = LMSTUDIO_RULES.rule(
    "LMS004",
    "json_object is sent as the JSON schema of any object; a model asked for JSON does not think",
    why="The server takes `json_schema` and `text` only, and constrains the answer from its first token.",
    source=f"{_BUGS}#189, #575",
    checked="2026-11-24",
)

REFUSED = LMSTUDIO_RULES.rule(
    "LMS005",
    "Chat Prefix Completion, logprobs and a regex as response format are refused",
    why="A trailing assistant message is not documented to be continued, the chat endpoint answers logprobs with null, "
    "and there is no such format. A model of a known encoding has its prefix continued on the raw path (RAW001).",
    source=f"LM Studio documentation, 2026-04-29; {_BUGS}#619, #189",
    checked="2026-11-24",
)

TOOL_CHOICE = LMSTUDIO_RULES.rule(
    "LMS006",
    "tool_choice `required` or a named function is asked for as JSON by schema, see REQ013",
    why="The server takes `required` and enforces it for GGUF models only, and answers 400 to a named function. A JSON "
    "schema holds for GGUF and MLX models.",
    source=f"{_BUGS}#670; LM Studio documentation (tool use), 2026-04-29",
    checked="2026-11-24",
)

MODEL = LMSTUDIO_RULES.rule(
    "LMS007",
    "an answer of another model than the one asked for is refused",
    why="With one model loaded the server answers any name with it; the answer's `model` says which one spoke.",
    source=f"{_BUGS}#619, #366; NousResearch/hermes-agent#64742 (0.4.19), 2026-07-15",
    checked="2026-11-24",
)

OVERFLOW = LMSTUDIO_RULES.rule(
    "LMS008",
    "a prompt beyond the window is told in the contract's words, although the server answers it with 200",
    why="The error stands inside the stream, as `event: error`.",
    source=f"{_BUGS}#2322 (0.4.21), 2026-08-25; texts: #1806, #546, #2339",
    checked="2026-11-24",
)

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
