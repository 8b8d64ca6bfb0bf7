"""A forced tool call asked for as JSON, for runtimes that do not enforce `tool_choice`: the request on its way out.

The functions become one JSON Schema, which the runtime's grammar holds the answer to, and a text in the system message,
so that any chat template can carry them. `call_reader` makes calls of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from msgspec.structs import replace

from tidegate.codecs.json_text import dump_fields, nested_too_deeply
from tidegate.core.messages import Message, Part, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec
from tidegate.dialects.base import COMMON
from tidegate.dialects.refusals import asks_forced_tool
from tidegate.dialects.schema_walk import moved, refers
from tidegate.dialects.system_text import joined, with_system_text

CALLED_BY_SCHEMA = COMMON.rule(
    "REQ013",
    "a forced tool call is asked for as JSON by schema, and the answer's text becomes the call: one call per answer",
    why="Several runtimes take tool_choice `required` or a named function and enforce nothing, but hold an answer to a JSON "
    "schema. The functions are listed in the system message, earlier calls and their results are told as text, and "
    "logprobs are not asked for, because a call has none. Arguments pass as they come; a cut call ends with `length`.",
    source="SmolLM2-135M-Instruct in llama.cpp b11549 and in vLLM 0.32.0, run 2026-11-22; "
    "https://github.com/ggml-org/llama.cpp/issues/27217, open on 2026-08-17",
    checked="2026-11-24",
)

_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_FORM = (
    "Answer with a call of {which} and with nothing else. Write it as one JSON object of this form:\n"
    '{{"name": "FUNCTION", "arguments": {{...}}}}\n'
    "The arguments follow the JSON schema in `parameters`. {listed}:\n"
)


def call_by_schema(request: ChatRequest) -> ChatRequest:
    """The same wish without tools, if it forces a call."""
    if not asks_forced_tool(request):
        return request
    tools = offered(request)
    try:
        schema = {"name": "call", "strict": True, "schema": compiled(tools)}
    except RecursionError:
        raise nested_too_deeply() from None
    return replace(
        request,
        messages=with_system_text(tuple(_plain(request.messages)), instruction(tools)),
        tools=(),
        tool_choice=None,
        response_format={"type": "json_schema", "json_schema": schema},
        logprobs=None,
        top_logprobs=None,
    )


def offered(request: ChatRequest) -> tuple[ToolSpec, ...]:
    """The functions that may be called: all, or the one that is named."""
    choice = request.tool_choice
    return tuple(tool for tool in request.tools if not isinstance(choice, NamedTool) or tool.name == choice.name)


def compiled(tools: tuple[ToolSpec, ...]) -> dict[str, Any]:
    """A schema that holds of the calls of these functions and of nothing else.

    Parameters that refer into themselves stand in `$defs`, and their references lead there.
    """
    shelf: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    for index, tool in enumerate(tools):
        arguments = _NO_ARGUMENTS if tool.parameters is None else _bare(tool.parameters)
        if refers(arguments):
            place = f"#/$defs/f{index}"
            shelf[f"f{index}"] = moved(arguments, place)
            arguments = {"$ref": place}
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": arguments},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {**schema, "$defs": shelf} if shelf else schema


def _bare(parameters: dict[str, Any]) -> dict[str, Any]:
    """What names the document stands at its top only."""
    return {name: value for name, value in parameters.items() if name not in ("$schema", "$id")}


def instruction(tools: tuple[ToolSpec, ...]) -> str:
    one = len(tools) == 1
    which, listed = (
        ("this function", "The function") if one else ("one of these functions", "The functions, one a line")
    )
    return _FORM.format(which=which, listed=listed) + "\n".join(map(_listed, tools))


def _listed(tool: ToolSpec) -> str:
    shown: dict[str, Any] = {"name": tool.name}
    if tool.description:
        shown["description"] = tool.description
    shown["parameters"] = _NO_ARGUMENTS if tool.parameters is None else tool.parameters
    return dump_fields(shown).decode()


def _plain(messages: tuple[Message, ...]) -> Iterator[Message]:
    """Results become what a user says, in one turn with what the user says after them: many templates want turns to alternate."""
    names: dict[str, str] = {}
    results: list[Part] = []
    for message in messages:
        names |= {part.call_id: part.name for part in message.parts if isinstance(part, ToolCallPart)}
        if message.role == "tool":
            results += _result(message, names.get(message.call_id or "", ""))
        elif results and message.role == "user":
            yield replace(message, parts=joined((*results, *message.parts)))
            results = []
        else:
            if results:
                yield Message("user", joined(results))
                results = []
            yield replace(message, parts=_spoken(message.parts)) if message.has_calls else message
    if results:
        yield Message("user", joined(results))


def _result(message: Message, name: str) -> Iterator[Part]:
    yield TextPart(f"The function {name} answered:" if name else "The function answered:")
    yield from message.parts


def _spoken(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Calls as the text that the model is asked to write."""
    reasoning = tuple(part for part in parts if isinstance(part, ReasoningPart))
    said = tuple(
        TextPart(f'{{"name": {orjson.dumps(part.name).decode()}, "arguments": {part.arguments or "{}"}}}')
        if isinstance(part, ToolCallPart)
        else part
        for part in parts
        if not isinstance(part, ReasoningPart)
    )
    return (*reasoning, *joined(said))
