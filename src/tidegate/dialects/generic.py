"""Any server that says it is OpenAI-compatible. Promises little: what such a server cannot be told is stated as a quirk."""

from __future__ import annotations

from tidegate.core.errors import GatewayError
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import FOR_LOCAL_RUNTIMES, NO_FIM, Dialect
from tidegate.dialects.cache_fields import tell_unknown_cache
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.checked_json import CHECKED_JSON
from tidegate.dialects.declared import declared, emulated, native, refused, unknown
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.errors import by_status, error_object, known_message
from tidegate.dialects.fitting import in_turn, keeps_reminders, splits_from_inside
from tidegate.dialects.openai_shape import rename_reasoning
from tidegate.dialects.prefixes import continuing
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import Fields
from tidegate.dialects.refusals import asks_prefix, refusal
from tidegate.dialects.reminders import AS_SYSTEM
from tidegate.dialects.thinking import opened
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema

GENERIC_RULES = Rulebook("GEN", "Generic OpenAI-compatible server")

THINKING = GENERIC_RULES.rule(
    "GEN001",
    "the thinking switch and effort are not passed on; the server's own default holds",
    why="The same switch is ignored, refused with 422 or spelled differently by each runtime, so a generic server cannot "
    "be told. Name its `kind` in the configuration where there is one.",
    source="vLLM 0.32.0, llama.cpp b11549 and transformers serve 5.19, run 2026-11-22",
    checked="2026-11-22",
)

REASONING = GENERIC_RULES.rule(
    "GEN002",
    "reasoning arrives as `reasoning` and is renamed to `reasoning_content`",
    why="The contract names the field `reasoning_content`; vLLM and Ollama call it `reasoning`.",
    source="vLLM 0.32.0, run 2026-11-22; Ollama source fb30760, 2026-08-21",
    checked="2026-11-22",
)

PREFIX = GENERIC_RULES.rule(
    "GEN003",
    "Chat Prefix Completion is refused while the model was not seen to be continued",
    why="A generic server may close the assistant's text and answer again (vLLM, transformers serve) instead of "
    "continuing it; that would be a wrong answer that looks right.",
    source="vLLM 0.32.0 and transformers serve 5.19, run 2026-11-22",
    checked="2026-11-22",
)

INLINE = GENERIC_RULES.rule(
    "GEN004",
    "reasoning inside the content is split off",
    why="A server without a reasoning parser sends it as text. What begins with `<think>` is told from the text; R1 and V4 "
    "do not write that tag, so theirs is told only where the server is known to send it as text.",
    source="vLLM 0.32.0 and llama.cpp b11549 without a parser, run 2026-11-22",
    checked="2026-11-24",
)


CONTINUED = GENERIC_RULES.rule(
    "GEN005",
    "a prefix is sent as a trailing assistant message, where the model was seen to be continued; not one with reasoning",
    why="Servers on llama.cpp continue it by themselves. What becomes of the reasoning beside it is not known.",
    source="llama.cpp b11549, run 2026-11-22",
    checked="2026-11-24",
)

TOOL_CHOICE = GENERIC_RULES.rule(
    "GEN006",
    "tool_choice `required` or a named function is asked for as JSON by schema, see REQ013",
    why="Whether a server enforces such a choice is not known, and several do not. A JSON schema is enforced by more of "
    "them, and where it is not, the answer is an error instead of prose.",
    source="llama.cpp b11549 and transformers serve 5.19, run 2026-11-22",
    checked="2026-11-24",
)


def drop_thinking(request: ChatRequest, fields: Fields) -> bool:
    fields.pop("thinking", None)
    fields.pop("reasoning_effort", None)
    return request.thinking is not None or request.effort is not None


def read_error(status: int, body: bytes) -> GatewayError:
    return by_status(status, known_message(error_object(body), ("This model's maximum context length is",)))


SPLITTING = opened(INLINE)

FIT = RawFitting(refuses=PREFIX, continues=continuing(CONTINUED, {}))

GENERIC = Dialect(
    name="generic",
    title="OpenAI-compatible server",
    rules=GENERIC_RULES,
    read_error=read_error,
    on_meaning=(AS_SYSTEM, (TOLD_FORMAT, tell_schema), (TOOL_CHOICE, call_by_schema)),
    on_request=((THINKING, drop_thinking), refusal(PREFIX, "prefix", asks_prefix), *FOR_LOCAL_RUNTIMES),
    on_chunk=((REASONING, rename_reasoning),),
    stages=(SPLITTING, *READS, tell_unknown_cache, reading_call, *CHECKS, refuse_empty),
    fit=in_turn(splits_from_inside(INLINE, SPLITTING), keeps_reminders, FIT),
    declares=declared(
        "",
        thinking_off=unknown(THINKING),
        json=native(CHECKED_JSON),
        tools=native(CHECKED_CALLS),
        forced_tools=emulated(TOOL_CHOICE),
        prefix=refused(PREFIX),
        fim=refused(NO_FIM),
    ),
)
