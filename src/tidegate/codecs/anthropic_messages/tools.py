"""Tools and tool_choice of a Messages request: their shapes, their rules, and the tools that the model is shown.

A tool with a `type` is one that runs on the provider's servers; nobody here can run it, so it is refused, as DeepSeek's
package does. Deferred tools are left out until something names them.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from tidegate.catalog.contracts import Contract
from tidegate.codecs.anthropic_messages.records import anything, read_members, tagged
from tidegate.codecs.members import as_json, check_object_schema
from tidegate.codecs.shapes import Misfit, boolean, missing, said, string
from tidegate.core.jsonvalue import as_object
from tidegate.core.requests import ChatRequest, NamedTool, ToolChoice, ToolSpec

_NAME = re.compile(r"[a-zA-Z0-9_-]+")


class Tool(Struct, frozen=True, gc=False):
    """A tool as declared. `server` means that its `type` names a tool of the provider's servers."""

    name: str = ""
    description: str | None = None
    schema: Any = None
    deferred: bool = False
    server: bool = False


def read_tool(value: object) -> Tool:
    fields = as_object(value) or {}
    if "type" in fields:
        # The tag decides first; of the rest only the name has a type here.
        read_members(fields, {"type": string, "name": string}, ("type",))
        return Tool(server=True)
    if "name" not in fields:
        raise missing("name")
    found: dict[str, Any] = {}
    for name, read in _TOOL_MEMBERS.items():
        if name in fields and (fields[name] is not None or name == "name"):
            try:
                found[name] = read(fields[name])
            except Misfit as misfit:
                raise misfit.of(name).at(name) from None
    return Tool(
        name=found["name"],
        description=found.get("description"),
        schema=found.get("input_schema"),
        deferred=found.get("defer_loading", False),
    )


_TOOL_MEMBERS = {"name": string, "description": string, "defer_loading": boolean, "input_schema": anything}


def read_tool_choice(value: object) -> ToolChoice:
    """`any` is accepted and does not force a call: to the model it is `auto`."""
    return tagged(value, "MessagesToolChoice", {"auto": _auto, "any": _auto, "tool": _tool, "none": lambda _: "none"})


def _auto(fields: dict[str, Any]) -> ToolChoice:
    read_members(fields, {"disable_parallel_tool_use": boolean}, ())
    return "auto"


def _tool(fields: dict[str, Any]) -> ToolChoice:
    found = read_members(fields, {"name": string, "disable_parallel_tool_use": boolean}, ("name",))
    return NamedTool(found["name"])


def check_names(tools: list[Tool], contract: Contract) -> None:
    """What is refused before anybody looks at the messages."""
    for index, tool in enumerate(tools):
        _check_name(index, tool, contract)
    if tools and all(tool.deferred for tool in tools):
        raise contract.mistake("messages_all_deferred")


def check_schemas(tools: list[Tool], choice: ToolChoice | None, contract: Contract, *, quoting: bool) -> None:
    """What is refused after the messages; tools that the choice rules out are nobody's concern."""
    if choice == "none":
        return
    names: set[str] = set()
    for tool in tools:
        if tool.name in names:
            raise contract.mistake("tool_names_repeat")
        names.add(tool.name)
        _check_schema(tool, contract, quoting)


def _check_name(index: int, tool: Tool, contract: Contract) -> None:
    length_bytes, most = len(tool.name.encode("utf-8", "surrogatepass")), contract.limits["tool name"].most
    if tool.server:
        raise contract.mistake("messages_server_tool", index=index)
    if not tool.name:
        raise contract.mistake("messages_tool_name_empty", index=index)
    if length_bytes > most:
        raise contract.mistake("messages_tool_name_long", index=index, most=most, length=length_bytes)
    if not _NAME.fullmatch(tool.name):
        raise contract.mistake("messages_tool_name_pattern", index=index)


def _check_schema(tool: Tool, contract: Contract, quoting: bool) -> None:
    schema = as_object(tool.schema)
    if schema is None and not isinstance(tool.schema, bool):
        shown = as_json(tool.schema) if quoting or tool.schema is None else "the input_schema"
        raise contract.mistake("messages_tool_schema_kind", tool=tool.name, value=shown)
    check_object_schema(tool.name, tool.schema, contract, quoting=quoting)


def check_choice(request: ChatRequest, contract: Contract, *, quoting: bool) -> None:
    """A tool that the choice names is among the request's, were it a deferred one."""
    choice = request.tool_choice
    if not request.tools or not isinstance(choice, NamedTool):
        return
    if all(tool.name != choice.name for tool in request.tools):
        raise contract.mistake("tool_choice_unknown", tool=said(choice.name, quoting))
    if request.thinks:
        raise contract.mistake("tool_choice_in_thinking")


def shown_tools(tools: list[Tool], named: set[str]) -> tuple[ToolSpec, ...]:
    """The tools the model sees: all that are not deferred, and the deferred ones that the request names."""
    return tuple(
        ToolSpec(tool.name, tool.description, tool.schema) for tool in tools if not tool.deferred or tool.name in named
    )
