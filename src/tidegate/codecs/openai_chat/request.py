"""A chat request, bytes to `ChatRequest` and back. Checks shapes and ranges; the error texts are the hosted API's.

Where a hosted text is known it is used (DeepSeek API, collected 2026-07-27 to 2026-09-23); line and column, which only
the hosted parser knows, are left out. Nothing of a value is ever quoted except names out of a closed set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import orjson

from tidegate.codecs.openai_chat.fields import (
    bool_field,
    float_field,
    int_field,
    object_field,
    string_field,
    wrong_shape,
)
from tidegate.codecs.openai_chat.messages import decode_messages, encode_message
from tidegate.core.errors import ClientMistake
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.requests import ChatRequest, Effort, NamedTool, ThinkingSwitch, ToolChoice, ToolSpec

_EFFORTS = get_args(Effort)
_SWITCHES = get_args(ThinkingSwitch)
_MAX_STOPS = 16
_MAX_TOOLS = 128


def parse_json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, or a `ClientMistake` that says why not."""
    try:
        value = as_object(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        # `msg` names the fault (lone surrogate, recursion limit, unexpected character) and quotes nothing of the body.
        raise ClientMistake(f"Failed to parse the request body as JSON: {error.msg}") from None
    if value is None:
        raise wrong_shape("the body must be a JSON object")
    return value


def decode_request(body: bytes) -> ChatRequest:
    fields = parse_json_object(body)
    for name in ("model", "messages"):
        if name not in fields:
            raise wrong_shape(f"missing field `{name}`")
    values: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for name, value in fields.items():
        known = _DECODERS.get(name)
        if known is None:
            extras[name] = value
        elif value is not None or name in ("model", "messages"):
            attribute, decode = known
            values[attribute] = decode(fields)
    request = ChatRequest(extras=extras, **values)
    if request.tool_choice is not None:
        _check_tool_choice(request)
    return request


def _check_tool_choice(request: ChatRequest) -> None:
    choice = request.tool_choice
    if not request.tools or choice in ("none", "auto"):
        return
    if isinstance(choice, NamedTool) and all(tool.name != choice.name for tool in request.tools):
        raise ClientMistake("Invalid value for 'tool_choice': it names a function that the 'tools' parameter does not.")
    if request.thinks:
        raise ClientMistake("Thinking mode does not support this tool_choice")


def _decode_model(fields: dict[str, Any]) -> str:
    model = string_field(fields, "model")
    if model is None:
        raise wrong_shape("model: expected a string")
    return model


def _decode_include_usage(fields: dict[str, Any]) -> bool:
    options = object_field(fields, "stream_options") or {}
    if not bool_field(fields, "stream"):
        raise ClientMistake("stream_options should be set along with stream = true")
    return bool_field(options, "include_usage", "stream_options.include_usage") or False


def _decode_thinking(fields: dict[str, Any]) -> ThinkingSwitch:
    thinking = object_field(fields, "thinking") or {}
    if "type" not in thinking:
        raise wrong_shape("thinking: missing field `type`")
    if thinking["type"] not in _SWITCHES:
        raise wrong_shape(f"thinking.type: unknown variant, expected one of {_listed(_SWITCHES)}")
    return thinking["type"]


def _decode_effort(fields: dict[str, Any]) -> Effort:
    effort = fields["reasoning_effort"]
    if effort not in _EFFORTS:
        raise wrong_shape(f"reasoning_effort: unknown variant, expected one of {_listed(_EFFORTS)}")
    return effort


def _decode_stop(fields: dict[str, Any]) -> tuple[str, ...]:
    stop: object = fields["stop"]
    if isinstance(stop, str):
        if not stop:
            raise ClientMistake(
                "Invalid 'stop': empty string. Expected a string with minimum length 1, but got an empty string instead."
            )
        return (stop,)
    stops = as_list(stop)
    if stops is None or not all(isinstance(item, str) for item in stops):
        raise wrong_shape("stop: expected a string or an array of strings")
    if len(stops) > _MAX_STOPS:
        raise ClientMistake(f"Stop string array too long: {len(stops)}")
    if "" in stops:
        raise ClientMistake(
            f"Invalid 'stop[{stops.index('')}]': empty string. "
            "Expected a string with minimum length 1, but got an empty string instead."
        )
    return tuple(stops)


def _decode_tools(fields: dict[str, Any]) -> tuple[ToolSpec, ...]:
    items = as_list(fields["tools"])
    if items is None:
        raise wrong_shape("tools: expected an array")
    if len(items) > _MAX_TOOLS:
        raise ClientMistake(f"Invalid 'tools': array too long. Expected at most {_MAX_TOOLS} tools.")
    specs = tuple(_decode_tool(item, f"tools[{index}]") for index, item in enumerate(items))
    if len({spec.name for spec in specs}) != len(specs):
        raise ClientMistake("Tool names must be unique.")
    return specs


def _decode_tool(item: Any, place: str) -> ToolSpec:
    tool = as_object(item)
    if tool is None:
        raise wrong_shape(f"{place}: expected an object")
    if tool.get("type") != "function":
        raise wrong_shape(f"{place}.type: unknown variant, expected `function`")
    function = object_field(tool, "function", f"{place}.function")
    if function is None:
        raise wrong_shape(f"{place}: missing field `function`")
    name = string_field(function, "name", f"{place}.function.name")
    if not name or not name.replace("_", "a").replace("-", "a").isalnum() or not name.isascii():
        raise ClientMistake(
            f"Invalid '{place}.function.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
    if len(name) > 128:
        raise ClientMistake(
            f"Invalid '{place}.function.name': string too long. Expected a string with maximum length 128, "
            f"but got a string with length {len(name)} instead."
        )
    return ToolSpec(
        name=name,
        description=string_field(function, "description", f"{place}.function.description"),
        parameters=object_field(function, "parameters", f"{place}.function.parameters"),
        strict=bool_field(function, "strict", f"{place}.function.strict"),
    )


def _decode_tool_choice(fields: dict[str, Any]) -> ToolChoice:
    choice = fields["tool_choice"]
    if choice == "none" or choice == "auto" or choice == "required":
        return choice
    named = as_object(choice) or {}
    name = (as_object(named.get("function")) or {}).get("name")
    if named.get("type") != "function" or not isinstance(name, str):
        raise wrong_shape("tool_choice: expected `none`, `auto`, `required` or a named function")
    return NamedTool(name)


def _decode_response_format(fields: dict[str, Any]) -> dict[str, Any] | None:
    wanted = object_field(fields, "response_format")
    if wanted is not None and wanted.get("type") not in ("text", "json_object", "json_schema", "regex"):
        raise wrong_shape(
            "response_format.type: unknown variant, expected one of `json_object`, `json_schema`, `regex`, `text`"
        )
    return wanted


def _decode_top_logprobs(fields: dict[str, Any]) -> int | None:
    wanted = int_field(fields, "top_logprobs", 0, 20, "[0, 20].")
    if wanted is not None and fields.get("logprobs") is not True:
        raise ClientMistake(
            "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used."
        )
    return wanted


def _decode_n(fields: dict[str, Any]) -> int:
    if fields["n"] is True or fields["n"] != 1:
        raise ClientMistake("Invalid n value (currently only n = 1 is supported)")
    return 1


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


Decode = Callable[[dict[str, Any]], Any]

_DECODERS: dict[str, tuple[str, Decode]] = {
    "model": ("model", _decode_model),
    "messages": ("messages", lambda fields: decode_messages(fields["messages"])),
    "stream": ("stream", lambda fields: bool_field(fields, "stream")),
    "stream_options": ("include_usage", _decode_include_usage),
    "thinking": ("thinking", _decode_thinking),
    "reasoning_effort": ("effort", _decode_effort),
    "max_tokens": ("max_tokens", lambda fields: int_field(fields, "max_tokens", 1, 393216)),
    "temperature": ("temperature", lambda fields: float_field(fields, "temperature", 0, 2)),
    "top_p": ("top_p", lambda fields: float_field(fields, "top_p", 0, 1, "(0, 1.0]")),
    "stop": ("stop", _decode_stop),
    "tools": ("tools", _decode_tools),
    "tool_choice": ("tool_choice", _decode_tool_choice),
    "response_format": ("response_format", _decode_response_format),
    "logprobs": ("logprobs", lambda fields: bool_field(fields, "logprobs")),
    "top_logprobs": ("top_logprobs", _decode_top_logprobs),
    "user_id": ("user_id", lambda fields: string_field(fields, "user_id")),
    "seed": ("seed", lambda fields: int_field(fields, "seed", 0, 2**63 - 1, "[0, 2^63)")),
    "n": ("n", _decode_n),
    "frequency_penalty": ("frequency_penalty", lambda fields: float_field(fields, "frequency_penalty", -2, 2)),
    "presence_penalty": ("presence_penalty", lambda fields: float_field(fields, "presence_penalty", -2, 2)),
}
"""Field of the wire to attribute of the request and its decoder; called only for fields that are there and not null."""


def request_fields(request: ChatRequest) -> dict[str, Any]:
    """The request as the JSON object that goes on the wire. Fields the client did not set are not there."""
    fields: dict[str, Any] = dict(request.extras)
    fields["model"] = request.model
    fields["messages"] = [encode_message(message) for message in request.messages]
    if request.stream:
        fields["stream"] = True
    if request.include_usage is not None:
        fields["stream_options"] = {"include_usage": request.include_usage}
    if request.thinking is not None:
        fields["thinking"] = {"type": request.thinking}
    if request.effort is not None:
        fields["reasoning_effort"] = request.effort
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.tools:
        fields["tools"] = [_encode_tool(tool) for tool in request.tools]
    if isinstance(request.tool_choice, NamedTool):
        fields["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice.name}}
    elif request.tool_choice is not None:
        fields["tool_choice"] = request.tool_choice
    for name in _AS_IS:
        if (value := getattr(request, name)) is not None:
            fields[name] = value
    return fields


_AS_IS = [
    "max_tokens",
    "temperature",
    "top_p",
    "response_format",
    "logprobs",
    "top_logprobs",
    "user_id",
    "seed",
    "n",
    "frequency_penalty",
    "presence_penalty",
]


def _encode_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    for name in ("description", "parameters", "strict"):
        if (value := getattr(tool, name)) is not None:
            function[name] = value
    return {"type": "function", "function": function}


def dump_fields(fields: dict[str, Any]) -> bytes:
    """JSON bytes. orjson writes at most 254 levels, fewer than it reads, so depth is the client's to mend."""
    try:
        return orjson.dumps(fields)
    except (TypeError, orjson.JSONEncodeError):
        raise nested_too_deeply() from None


def nested_too_deeply() -> ClientMistake:
    return ClientMistake("The request is nested too deeply: at most 250 levels of JSON can be passed on")


def encode_request(request: ChatRequest) -> bytes:
    return dump_fields(request_fields(request))
