"""The contract's rules about tools, their choice, and the format of the answer."""

from __future__ import annotations

import re
from typing import Any

from tidegate.catalog.contracts import Contract
from tidegate.codecs.members import check_object_schema
from tidegate.codecs.openai_chat.json_schema import check_schema
from tidegate.codecs.openai_chat.message_rules import says_json
from tidegate.codecs.openai_chat.strict_schema import check_objects, check_strict, read_schema
from tidegate.codecs.shapes import Misfit, said
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec

_NAME = re.compile(r"[a-zA-Z0-9_-]+")


def check_tool_names(tools: tuple[ToolSpec, ...], contract: Contract) -> None:
    most = contract.limits["tools"].most
    if len(tools) > most:
        raise contract.mistake("tools_too_many", most=most, length=len(tools))
    longest = contract.limits["tool name"].most
    for index, tool in enumerate(tools):
        length = len(tool.name.encode())
        if not length:
            raise contract.mistake("tool_name_empty", index=index)
        if length > longest:
            raise contract.mistake("tool_name_long", index=index, most=longest, length=length)
        if _NAME.fullmatch(tool.name) is None:
            raise contract.mistake("tool_name_pattern", index=index)


def check_tools(tools: tuple[ToolSpec, ...], contract: Contract, *, quoting: bool) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            raise contract.mistake("tool_names_repeat")
        seen.add(tool.name)
        if tool.strict:
            check_strict(tool.parameters, contract, quoting=quoting)
        elif tool.parameters is not None:
            _check_parameters(tool, contract, quoting=quoting)


def check_strict_use(tools: tuple[ToolSpec, ...], request: ChatRequest, contract: Contract) -> None:
    strict = [bool(tool.strict) for tool in tools]
    if any(strict) and not all(strict):
        raise contract.mistake("strict_mixed")
    if any(strict) and request.response_format is not None:
        raise contract.mistake("answer_format_with_tools")


def _check_parameters(tool: ToolSpec, contract: Contract, *, quoting: bool) -> None:
    try:
        check_schema(tool.parameters)
    except Misfit as misfit:
        raise contract.mistake("tool_schema", tool=tool.name, fault=misfit.said(quoting)) from None
    check_object_schema(tool.name, tool.parameters, contract, quoting=quoting)


def check_choice(request: ChatRequest, contract: Contract, *, quoting: bool) -> None:
    choice = request.tool_choice
    if choice in ("none", "auto"):
        return
    if isinstance(choice, NamedTool) and all(tool.name != choice.name for tool in request.tools):
        raise contract.mistake("tool_choice_unknown", tool=said(choice.name, quoting))
    if request.thinks:
        raise contract.mistake("tool_choice_in_thinking")


def check_json_word(request: ChatRequest, contract: Contract) -> None:
    if (request.response_format or {}).get("type") != "json_object":
        return
    if not says_json(request):
        raise contract.mistake("json_word_missing")
    if request.messages[-1].prefix:
        raise contract.mistake("prefix_with_json")


def check_answer_schema(request: ChatRequest, contract: Contract, *, quoting: bool) -> None:
    if (request.response_format or {}).get("type") != "json_schema":
        return
    wanted: dict[str, Any] = (request.response_format or {})["json_schema"]
    schema = None
    try:
        if wanted.get("strict"):
            schema = read_schema(wanted["schema"])
        else:
            check_schema(wanted["schema"])
    except Misfit as misfit:
        raise contract.mistake("answer_schema", fault=misfit.said(quoting)) from None
    if schema is not None:
        check_objects(schema, contract, may_be_empty=False, quoting=quoting)
        if schema["kind"] != "object":
            raise contract.mistake("answer_top_level")
