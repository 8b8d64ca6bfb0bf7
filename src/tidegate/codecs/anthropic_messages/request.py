"""A Messages request, bytes to `ChatRequest`, and the rules about it, in the oracle's order.

Which block may stand where shows only while the request is translated, so the reader finds such breaches; it keeps the
first as the request's `mistake`, and `check_request` raises it: whoever reads can still say before that the model is
unknown. `check_request` also looks at what may have changed after the reading: whether the request thinks.
The name of the model stays as it was sent; `mapped_model` says what DeepSeek takes a Claude name for. Fields that the
contract ignores (top_k, container, mcp_servers, service_tier, context_management, and anything unknown) leave no trace,
not even in `extras`: a chat field of that name could have a meaning there.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24; DeepSeek's create-message reference, October 2026.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, get_args

from msgspec.structs import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.codecs.anthropic_messages.blocks import read_content, read_system
from tidegate.codecs.anthropic_messages.conversation import Conversation, Turn, system_messages
from tidegate.codecs.anthropic_messages.records import Members, record
from tidegate.codecs.anthropic_messages.tools import (
    Tool,
    check_choice,
    check_names,
    check_schemas,
    read_tool,
    read_tool_choice,
    shown_tools,
)
from tidegate.codecs.json_text import load, wrong_shape
from tidegate.codecs.members import check_range, check_stop
from tidegate.codecs.shapes import Misfit, array, boolean, each, missing, number, string, unsigned, variant, wrong_type
from tidegate.core.errors import ClientMistake
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import ReasoningPart, ToolCallPart
from tidegate.core.requests import ChatRequest, Effort, NamedTool, ThinkingSwitch

_EFFORTS = get_args(Effort)
_SWITCHES = get_args(ThinkingSwitch)
_ROLES = ("user", "assistant", "system")
_MODEL_NAME = re.compile(r"[A-Za-z0-9._:@\[\]/-]{1,80}")
_LATE: tuple[str, int] = ("after_thinking", -1)
"""A slip: the request's `mistake` is one that the oracle names after missing thinking."""


def decode_request(body: bytes, contract: Contract | None = None, *, quoting: bool = False) -> ChatRequest:
    """The request that these bytes mean, as far as they can be understood: see `ChatRequest.mistake`.

    `quoting` repeats the client's own words in error texts, as the hosted API does; only the simulator may.
    """
    contract = contract or contract_named(DEFAULT_PROFILE)
    value = load(body, _WORDS, quoting=quoting)
    try:
        fields = record(value, "struct MessagesRequest", _fields(contract), ("model", "messages"))
    except Misfit as misfit:
        raise wrong_shape(misfit, body, quoting=quoting) from None
    traits = _traits(fields["model"], contract)
    tools: list[Tool] = fields.get("tools", [])
    if traits.v4:
        tools = [replace(tool, deferred=False) for tool in tools]
    request = _options(fields, contract)
    said = Conversation(contract, frozenset(tool.name for tool in tools), sees=traits.sees, quoting=quoting)
    try:
        check_names(tools, contract)
        _converse(fields["messages"], said)
    except ClientMistake as mistake:
        return replace(request, mistake=mistake.message)
    choice = request.tool_choice
    request = replace(
        request,
        messages=(*system_messages(fields.get("system")), *said.messages),
        tools=shown_tools(tools, said.named | ({choice.name} if isinstance(choice, NamedTool) else set())),
    )
    try:
        check_schemas(tools, choice, contract, quoting=quoting)
    except ClientMistake as mistake:
        return replace(request, mistake=mistake.message, slips=(_LATE,))
    return request


def _options(fields: dict[str, Any], contract: Contract) -> ChatRequest:
    """The request without its messages and tools."""
    return ChatRequest(
        model=fields["model"],
        messages=(),
        stream=fields.get("stream", False),
        thinking=fields.get("thinking", {}).get("type"),
        effort=fields.get("output_config", {}).get("effort"),
        max_tokens=_clamped(fields.get("max_tokens"), contract),
        temperature=fields.get("temperature"),
        top_p=fields.get("top_p"),
        stop=tuple(fields.get("stop_sequences", ())),
        tool_choice=fields.get("tool_choice"),
        user_id=fields.get("metadata", {}).get("user_id"),
    )


def _converse(turns: list[Turn], said: Conversation) -> None:
    if not turns:
        raise said.contract.mistake("messages_empty")
    for index, turn in enumerate(turns):
        said.add(index, turn)
    said.close(len(turns))


def check_request(request: ChatRequest, contract: Contract, *, passback: bool, quoting: bool = False) -> None:
    """Raises the first breach. `passback` asks for thinking to be sent back. `max_tokens` is clamped before, so only 0
    can break its rule."""
    if request.mistake and _LATE not in request.slips:
        raise ClientMistake(request.mistake)
    if passback:
        _check_thinking(request, contract)
    if request.mistake:
        raise ClientMistake(request.mistake)
    check_choice(request, contract, quoting=quoting)
    check_stop(request.stop, request.slips, contract, "stop")
    for name in ("temperature", "top_p", "max_tokens"):
        value = getattr(request, name)
        if value is not None:
            check_range(name, value, contract)


def _check_thinking(request: ChatRequest, contract: Contract) -> None:
    """A thinking request must hold what the model thought since the user last spoke: with tools in every turn, without
    them in those that called one."""
    if not request.thinks or "messages_thinking_missing" not in contract.rules:
        return
    v4 = _traits(request.model, contract).v4
    for message in reversed(request.messages):
        if message.role == "user" or (v4 and message.role == "system" and message.parts):
            return
        kinds = {type(part) for part in message.parts}
        if message.role == "assistant" and ReasoningPart not in kinds and (request.tools or ToolCallPart in kinds):
            raise contract.mistake("messages_thinking_missing")


def mapped_model(name: str, contract: Contract) -> str:
    """What DeepSeek's Messages endpoint takes a name for: the row with the longest fitting beginning, or the name.

    What does not look like a model's name stays what it is: unknown.
    """
    if name in contract.models or _MODEL_NAME.fullmatch(name) is None:
        return name
    rows = [row for row in contract.tables["claude_names"].values() if name.startswith(row.values["prefix"])]
    if not rows:
        return name
    return max(rows, key=lambda row: len(row.values["prefix"])).values["model"]


class _Traits(NamedTuple):
    """What the rules ask of a model. One without eyes reads a text in an image's place, wherever that stands. One of the
    V4 encoding knows no deferred tools, and a system turn among the messages is the user's to it."""

    sees: bool
    v4: bool


def _traits(model: str, contract: Contract) -> _Traits:
    known = contract.models.get(mapped_model(model, contract))
    if known is None:
        return _Traits(sees=True, v4=False)
    return _Traits(sees="image" in known.inputs, v4=known.encoding != "v4.1")


def _clamped(max_tokens: int | None, contract: Contract) -> int | None:
    return None if max_tokens is None else min(max_tokens, contract.limits["max_tokens"].most)


# -- shapes ------------------------------------------------------------------------------------------------------------


def _turn(value: object) -> Turn:
    fields = as_object(value)
    if fields is None:
        raise wrong_type(value, "adjacently tagged enum MessagesMessage")
    for name in ("role", "content"):
        if name not in fields:
            raise missing(name)
    try:
        role: Any = variant(fields["role"], _ROLES)
    except Misfit as misfit:
        raise misfit.at("role") from None
    try:
        return Turn(role, read_content(fields["content"]))
    except Misfit as misfit:
        raise misfit.at("content") from None


def _thinking(value: object) -> dict[str, Any]:
    members: Members = {"type": lambda kind: variant(kind, _SWITCHES), "budget_tokens": unsigned(64)}
    return record(value, "struct MessagesThinking", members, ("type",))


def _output_config(value: object, efforts: list[str]) -> dict[str, Any]:
    return record(value, "struct MessagesOutputConfig", {"effort": lambda effort: variant(effort, efforts)})


def _fields(contract: Contract) -> Members:
    """Which efforts there are is the dated contract's to say."""
    efforts = [effort for effort in _EFFORTS if effort in contract.efforts]
    return {**_FIELDS, "output_config": lambda value: _output_config(value, efforts)}


_FIELDS: Members = {
    "model": string,
    "max_tokens": unsigned(32),
    "messages": lambda value: each(array(value), _turn),
    "system": read_system,
    "tools": lambda value: each(array(value), read_tool),
    "tool_choice": read_tool_choice,
    "thinking": _thinking,
    "stop_sequences": lambda value: each(array(value), string),
    "stream": boolean,
    "temperature": number,
    "top_p": number,
    "metadata": lambda value: record(value, "struct MessagesMetadata", {"user_id": string}),
}

_WORDS = frozenset(_FIELDS) | {
    "output_config",
    *("role", "content", "type", "text", "thinking", "signature", "source", "data", "media_type", "url", "file_id"),
    *("id", "name", "input", "tool_use_id", "input_schema", "description", "effort", "budget_tokens", "user_id"),
}
"""Member names that an error may repeat: the contract's own."""
