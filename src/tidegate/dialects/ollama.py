"""Ollama, through its own `/api/chat`: its `/v1` truncates without a word and cannot be told to think or not.

Read at source fb30760 (v0.33.0-rc2), 2026-08-21, and not run: every quirk here is declared, none was measured by us.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs import ndjson
from tidegate.codecs.ollama_chat.answer import answer_milestones, decode_answer
from tidegate.codecs.ollama_chat.lines import LineDecoder
from tidegate.codecs.ollama_chat.request import request_fields
from tidegate.core.errors import NotSupported
from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import PENALTIES, USER_ID, Dialect
from tidegate.dialects.defaults import contract_sampling
from tidegate.dialects.emptiness import refuse_empty
from tidegate.dialects.ollama_errors import read_error
from tidegate.dialects.ollama_home import listed_name, loaded_in, local_name, plain_name
from tidegate.dialects.ollama_rules import (
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
from tidegate.dialects.readers import Fields, Wire
from tidegate.dialects.refusals import asks_prefix, refusal
from tidegate.dialects.tells import TellsLoaded

OLLAMA_CHAT = Wire("ollama_chat", LineDecoder, decode_answer, answer_milestones, framing=ndjson.Decoder)
_PLAIN = {"top_k": 0, "min_p": 0, "repeat_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0}
_CONTRACT = contract_named(DEFAULT_PROFILE)


def settle_choice(request: ChatRequest) -> ChatRequest:
    if not request.tools or request.tool_choice in (None, "auto"):
        return request
    if request.tool_choice == "none":
        return replace(request, tools=(), tool_choice=None)
    raise NotSupported(
        f"tool_choice other than auto and none is not supported by this backend, see {TOOL_CHOICE.code}; use another "
        "`model`"
    )


def loosen_tools(request: ChatRequest) -> ChatRequest:
    if not any(tool.strict for tool in request.tools):
        return request
    return replace(request, tools=tuple(replace(tool, strict=None) for tool in request.tools))


def remind_as_system(request: ChatRequest) -> ChatRequest:
    if all(message.role != "latest_reminder" for message in request.messages):
        return request
    messages = [
        replace(message, role="system") if message.role == "latest_reminder" else message
        for message in request.messages
    ]
    return replace(request, messages=tuple(messages))


def format_allowed(request: ChatRequest) -> ChatRequest:
    if (request.response_format or {}).get("type") == "regex":
        raise NotSupported(f"response_format regex is not supported by this backend, see {FORMAT.code}")
    return request


def level_of_thinking(request: ChatRequest, fields: Fields) -> bool:
    effort = _CONTRACT.applied_effort(request)
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
    effort = _CONTRACT.applied_effort(request)
    fields["options"].setdefault("num_predict", _CONTRACT.default_max_tokens(thinks=request.thinks, effort=effort))
    return request.max_tokens is None


OLLAMA = Dialect(
    name="ollama",
    title="Ollama",
    rules=OLLAMA_RULES,
    read_error=read_error,
    chat_path="/api/chat",
    keep_home=(LOCAL, local_name),
    write=request_fields,
    wire=OLLAMA_CHAT,
    on_meaning=(
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
    stages=(refuse_empty,),
    always_streams=True,
    tells_loaded=TellsLoaded("/api/ps", loaded_in, listed_name),
)
