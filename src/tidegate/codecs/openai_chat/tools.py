"""`tools`, `tool_choice` and `response_format`: shapes to canonical values and back. The rules are in `tool_rules`."""

from __future__ import annotations

from typing import Any, cast

from tidegate.codecs.records import Record, TaggedRecords
from tidegate.codecs.shapes import Misfit, Spot, array, boolean, each, maybe, string, variant
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.requests import NamedTool, ToolChoice, ToolSpec

FORMATS = ("json_object", "json_schema", "regex", "text")
_CHOICES = ("none", "auto", "required")
_FUNCTION = ("function",)


def _anything(value: Any) -> Any:
    return value


def _function_type(value: Any) -> str:
    return variant(value, _FUNCTION)


_DEFINITION = Record(
    "struct ChatCompletionFunctionDefinition",
    {"name": string, "description": maybe(string), "parameters": _anything, "strict": maybe(boolean)},
    required=["name"],
)
_TOOL = Record(
    "struct ChatCompletionTool",
    {"type": _function_type, "function": _DEFINITION.read},
    required=["type", "function"],
)
_NAMED_FUNCTION = Record("struct ChatCompletionToolChoiceFunction", {"name": string}, required=["name"])


def read_tools(value: Any) -> tuple[ToolSpec, ...]:
    return tuple(each(array(value), _tool))


def _tool(value: Any) -> ToolSpec:
    function = _TOOL.read(value)["function"]
    # `parameters` may be any JSON here: what is no object is refused by the rules.
    return ToolSpec(
        name=function["name"],
        description=function.get("description"),
        parameters=function.get("parameters"),
        strict=function.get("strict"),
    )


def read_choice(value: Any) -> ToolChoice:
    if isinstance(value, str) and value in _CHOICES:
        return cast("ToolChoice", value)
    fields = as_object(value)
    if fields is None or "type" not in fields:
        spot: Spot = "before" if isinstance(value, dict | list) else "after"
        raise Misfit("expected one of `none`, `auto`, `required` or a tool", spot=spot)
    try:
        _function_type(fields["type"])
    except Misfit as misfit:
        raise misfit.of("type").at("type") from None
    try:
        return NamedTool(_NAMED_FUNCTION.read(fields.get("function"))["name"])
    except Misfit as misfit:
        named = misfit.of("function")
        raise (named.at("function") if "function" in fields else named) from None


_JSON_SCHEMA = Record(
    "struct ChatCompletionResponseFormatJsonSchema",
    {"schema": _anything, "name": maybe(string), "strict": maybe(boolean)},
    required=["schema"],
    buffered=True,
)
_FORMAT = "struct variant ChatCompletionResponseFormat::"
_FORMATS = TaggedRecords(
    "ChatCompletionResponseFormat",
    "type",
    {
        "json_object": Record(f"{_FORMAT}JsonObject", {}, buffered=True),
        "json_schema": Record(
            f"{_FORMAT}JsonSchema", {"json_schema": _JSON_SCHEMA.read}, required=["json_schema"], buffered=True
        ),
        "regex": Record(f"{_FORMAT}Regex", {"regex": string}, required=["regex"], buffered=True),
        "text": Record(f"{_FORMAT}Text", {}, buffered=True),
    },
)


def read_format(value: Any) -> dict[str, Any]:
    """The wanted format as an object, its own members beside those that are read."""
    kind, members = _FORMATS.read(value)
    fields = as_object(value)
    if fields is None or as_list(fields.get("json_schema")) is not None:
        return {"type": kind, **members}
    return fields


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    for name in ("description", "parameters", "strict"):
        if (value := getattr(tool, name)) is not None:
            function[name] = value
    return {"type": "function", "function": function}
