"""A Messages request, bytes to `ChatRequest`: shapes, the rules in the oracle's order, then the translation.

The name of the model stays as it was sent; `mapped_model` says what DeepSeek takes a Claude name for. Fields that the
contract ignores (top_k, container, mcp_servers, service_tier, context_management, and anything unknown) leave no trace,
not even in `extras`: a chat field of that name could have a meaning there.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24; DeepSeek's create-message reference, October 2026.
"""

from __future__ import annotations

from struct import pack, unpack
from typing import Any, NamedTuple

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
from tidegate.codecs.shapes import Misfit, array, boolean, each, missing, number, string, unsigned, variant, wrong_type
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import ReasoningPart, ToolCallPart
from tidegate.core.requests import ChatRequest, NamedTool

# The orders in which the error texts list them.
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max")
_SWITCHES = ("adaptive", "enabled", "disabled")
_ROLES = ("user", "assistant", "system")


def decode_request(
    body: bytes, contract: Contract | None = None, *, quoting: bool = False, needs_thinking: bool = True
) -> ChatRequest:
    """The request that these bytes mean.

    `quoting` repeats the client's own words in error texts, as the hosted API does; only the simulator may.
    `needs_thinking` False forgives a history whose thinking blocks are lost (the contract's rule VAL123).
    """
    contract = contract or contract_named(DEFAULT_PROFILE)
    value = load(body, _WORDS, quoting=quoting)
    try:
        fields = record(value, "struct MessagesRequest", _FIELDS, ("model", "messages"))
    except Misfit as misfit:
        raise wrong_shape(misfit, body, quoting=quoting) from None
    traits = _traits(fields["model"], contract)
    tools: list[Tool] = fields.get("tools", [])
    if traits.v4:
        tools = [replace(tool, deferred=False) for tool in tools]
    check_names(tools, contract)
    said = _converse(fields["messages"], tools, contract, sees=traits.sees, quoting=quoting)
    choice = fields.get("tool_choice")
    request = ChatRequest(
        model=fields["model"],
        messages=(*system_messages(fields.get("system")), *said.messages),
        stream=fields.get("stream", False),
        thinking=fields.get("thinking", {}).get("type"),
        effort=fields.get("output_config", {}).get("effort"),
        max_tokens=_clamped(fields.get("max_tokens"), contract),
        temperature=fields.get("temperature"),
        top_p=fields.get("top_p"),
        stop=tuple(fields.get("stop_sequences", ())),
        tools=shown_tools(tools, said.named | ({choice.name} if isinstance(choice, NamedTool) else set())),
        tool_choice=choice,
        user_id=fields.get("metadata", {}).get("user_id"),
    )
    if needs_thinking:
        check_thinking(request, contract)
    check_schemas(tools, choice, contract, quoting=quoting)
    check_choice(choice, tools, contract, thinks=request.thinks, quoting=quoting)
    check_request(request, contract)
    return request


def _converse(turns: list[Turn], tools: list[Tool], contract: Contract, *, sees: bool, quoting: bool) -> Conversation:
    if not turns:
        raise contract.mistake("messages_empty")
    said = Conversation(
        contract,
        frozenset(tool.name for tool in tools),
        sees=sees,
        quoting=quoting,
    )
    for index, turn in enumerate(turns):
        said.add(index, turn)
    said.close(len(turns))
    return said


def check_thinking(request: ChatRequest, contract: Contract) -> None:
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


def check_request(request: ChatRequest, contract: Contract) -> None:
    """The rules about single values. `max_tokens` is clamped before, so only 0 can break its rule."""
    if len(request.stop) > contract.limits["stop"].most:
        raise contract.mistake("stop_too_many", length=len(request.stop))
    if "" in request.stop:
        raise contract.mistake("stop_empty", place=f"stop[{request.stop.index('')}]")
    for name in ("temperature", "top_p", "max_tokens"):
        value, limit = getattr(request, name), contract.limits[name]
        if value is not None and not limit.holds(_as_f32(value)):
            raise contract.mistake("out_of_range", field=name, span=limit.span)


def mapped_model(name: str, contract: Contract) -> str:
    """What DeepSeek's Messages endpoint takes a name for: the row with the longest fitting beginning, or the name."""
    if name in contract.models:
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


def _as_f32(value: float) -> float:
    """The hosted parser reads 32 bits: 1.00000001 is 1 to it."""
    try:
        return unpack("f", pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


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


def _output_config(value: object) -> dict[str, Any]:
    return record(value, "struct MessagesOutputConfig", {"effort": lambda effort: variant(effort, _EFFORTS)})


_FIELDS: Members = {
    "model": string,
    "max_tokens": unsigned(32),
    "messages": lambda value: each(array(value), _turn),
    "system": read_system,
    "tools": lambda value: each(array(value), read_tool),
    "tool_choice": read_tool_choice,
    "thinking": _thinking,
    "output_config": _output_config,
    "stop_sequences": lambda value: each(array(value), string),
    "stream": boolean,
    "temperature": number,
    "top_p": number,
    "metadata": lambda value: record(value, "struct MessagesMetadata", {"user_id": string}),
}

_WORDS = frozenset(_FIELDS) | {
    *("role", "content", "type", "text", "thinking", "signature", "source", "data", "media_type", "url", "file_id"),
    *("id", "name", "input", "tool_use_id", "input_schema", "description", "effort", "budget_tokens", "user_id"),
}
"""Member names that an error may repeat: the contract's own."""
