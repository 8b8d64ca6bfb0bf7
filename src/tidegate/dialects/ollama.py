"""Ollama, through its own `/api/chat`: its `/v1` truncates without a word and cannot be told to think or not.

Read at source fb30760 (v0.33.0-rc2), 2026-08-21, and not run: every quirk here is declared, none was measured by us.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.codecs import ndjson
from tidegate.codecs.ollama_chat.answer import answer_milestones, decode_answer
from tidegate.codecs.ollama_chat.lines import LineDecoder
from tidegate.codecs.ollama_chat.request import request_fields
from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.dialects import ollama_raw as raw
from tidegate.dialects import questions
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.base import NO_FIM, PENALTIES, USER_ID, Dialect, RemoteModels
from tidegate.dialects.cache_fields import tell_unknown_cache
from tidegate.dialects.call_reader import reading_call
from tidegate.dialects.called_by_schema import call_by_schema
from tidegate.dialects.checked_calls import CHECKED_CALLS
from tidegate.dialects.declared import declared, emulated, native, refused
from tidegate.dialects.defaults import contract_effort, contract_max_tokens, contract_sampling
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.ollama_errors import read_error
from tidegate.dialects.ollama_home import IN_MEMORY, local_name, plain_name, remote_names
from tidegate.dialects.ollama_rules import (
    CONTINUED,
    FORMAT,
    LENGTH,
    LOCAL,
    OLLAMA_RULES,
    PREFIX,
    REMINDER,
    SAMPLING,
    STREAM,
    STRICT,
    THINKING,
    TOOL_CHOICE,
    WINDOW,
)
from tidegate.dialects.prefixes import continuing
from tidegate.dialects.raw_fitting import RawFitting
from tidegate.dialects.readers import Fields, Wire
from tidegate.dialects.refusals import asks_prefix, asks_regex, refusal
from tidegate.dialects.reminders import remind_as_system
from tidegate.dialects.spelling import plain_spelling
from tidegate.dialects.told_format import TOLD_FORMAT, tell_schema

OLLAMA_CHAT = Wire("ollama_chat", LineDecoder, decode_answer, answer_milestones, framing=ndjson.Decoder)
_PLAIN = {"top_k": 0, "min_p": 0, "repeat_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0}


def settle_choice(request: ChatRequest) -> ChatRequest:
    if request.tools and request.tool_choice == "none":
        return replace(request, tools=(), tool_choice=None)
    return call_by_schema(request)


def loosen_tools(request: ChatRequest) -> ChatRequest:
    loose = tuple(replace(tool, strict=None) if tool.strict else tool for tool in request.tools)
    return replace(request, tools=loose) if loose != request.tools else request


def format_allowed(request: ChatRequest) -> ChatRequest:
    if asks_regex(request):
        raise NotSupported(f"response_format regex is not supported by this backend, see {FORMAT.code}")
    return request


def level_of_thinking(request: ChatRequest, fields: Fields) -> bool:
    effort = contract_effort(request)
    fields["think"] = False if effort == "off" else effort
    return True


def keep_window(_request: ChatRequest, fields: Fields) -> bool:
    fields.update(truncate=False, shift=False)
    return True


def plain_sampling(request: ChatRequest, fields: Fields) -> bool:
    fields["options"].update(_PLAIN)
    contract_sampling(request, fields["options"])
    return True


def default_length(request: ChatRequest, fields: Fields) -> bool:
    fields["options"].setdefault("num_predict", contract_max_tokens(request))
    return request.max_tokens is None


FIT = RawFitting(
    may_cut=True,
    raw=raw.GENERATE,
    chat_is_wrong=raw.chat_is_wrong,
    stages=(*CHECKS, refuse_empty),
    fim=raw.GENERATE,
    infills=True,
    refuses=PREFIX,
    continues=continuing(CONTINUED, {}),
)

OLLAMA = Dialect(
    name="ollama",
    title="Ollama",
    rules=OLLAMA_RULES,
    read_error=read_error,
    questions=questions.OLLAMA,
    chat_path="/api/chat",
    keep_home=(LOCAL, local_name),
    remote_models=RemoteModels("/api/tags", remote_names, plain_spelling),
    write=request_fields,
    wire=OLLAMA_CHAT,
    on_meaning=(
        (TOLD_FORMAT, tell_schema),
        (TOOL_CHOICE, settle_choice),
        (STRICT, loosen_tools),
        (FORMAT, format_allowed),
        (REMINDER, remind_as_system),
    ),
    on_request=(
        refusal(PREFIX, "prefix", asks_prefix),
        (WINDOW, keep_window),
        (THINKING, level_of_thinking),
        (SAMPLING, plain_sampling),
        (LENGTH, default_length),
        (STREAM, lambda request, _fields: not request.stream),
        (FORMAT, lambda _request, fields: "format" in fields),
        (PENALTIES, lambda request, _: (request.frequency_penalty, request.presence_penalty) != (None, None)),
        (USER_ID, lambda request, _: request.user_id is not None),
    ),
    on_chunk=((LOCAL, plain_name),),
    stages=(*READS, tell_unknown_cache, reading_call, *CHECKS, refuse_empty),
    declares=declared(
        "0.33.0-rc2",
        thinking_off=native(THINKING),
        json=native(FORMAT),
        tools=native(CHECKED_CALLS),
        forced_tools=emulated(TOOL_CHOICE),
        prefix=refused(PREFIX),
        fim=native(NO_FIM),
    ),
    always_streams=True,
    fit=FIT,
    fim=FIT.unknown(),
    tells_loaded=IN_MEMORY,
)
