"""A chat request, bytes to `ChatRequest` and back. Reads shapes; the rules of the contract are in `check`.

The first misfit in the order of the document wins, as it does in the hosted parser. Nothing of a value is ever quoted
except short names where one of a closed set was expected, unless `quoting` is set.
"""

from __future__ import annotations

from typing import Any, get_args

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.codecs.json_text import dump_fields, load, wrong_shape
from tidegate.codecs.members import Member, Slips, read_include_usage, read_members, read_stop, read_struct
from tidegate.codecs.openai_chat.messages import encode_message, read_messages
from tidegate.codecs.openai_chat.tools import encode_tool, read_choice, read_format, read_tools
from tidegate.codecs.records import Record
from tidegate.codecs.shapes import (
    Misfit,
    boolean,
    maybe,
    number,
    string,
    unsigned,
    variant,
)
from tidegate.core.requests import ChatRequest, Effort, NamedTool, ThinkingSwitch

_EXPECTED = "struct ChatCompletionRequest"
_SWITCHES = get_args(ThinkingSwitch)
_EFFORTS = get_args(Effort)

_THINKING = Record(
    "struct ChatCompletionThinking",
    {"type": lambda value: variant(value, _SWITCHES), "budget_tokens": maybe(unsigned(64))},
    required=["type"],
)


MEMBERS: dict[str, Member] = {
    "messages": ("messages", None),
    "model": ("model", string),
    "frequency_penalty": ("frequency_penalty", number),
    "logprobs": ("logprobs", boolean),
    "top_logprobs": ("top_logprobs", unsigned(8)),
    "max_tokens": ("max_tokens", unsigned(32)),
    "n": ("n", unsigned(8)),
    "presence_penalty": ("presence_penalty", number),
    "seed": ("seed", unsigned(64)),
    "stop": ("stop", None),
    "stream": ("stream", boolean),
    "stream_options": ("include_usage", read_include_usage),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "response_format": ("response_format", read_format),
    "tools": ("tools", read_tools),
    "tool_choice": ("tool_choice", read_choice),
    "reasoning_effort": ("effort", None),
    "thinking": ("thinking", lambda value: _THINKING.read(value)["type"]),
    "parallel_tool_calls": ("", boolean),
}
"""The hosted struct's members in its order."""

_REQUIRED = ("messages", "model")
_WORDS = frozenset(MEMBERS) | {
    *("role", "content", "name", "prefix", "reasoning_content", "tool_call_id", "id", "type", "function", "arguments"),
    *("text", "image_url", "url", "detail", "file", "file_id", "file_data", "filename", "description", "parameters"),
    *("strict", "include_usage", "budget_tokens", "json_schema", "schema", "regex", "user_id"),
}
"""Names that an error in broken JSON may show: the contract's own."""


def decode_request(body: bytes, contract: Contract | None = None, *, quoting: bool = False) -> ChatRequest:
    """The request as it was written, rules not yet checked. Without a contract the default profile's holds."""
    value = load(body, _WORDS, quoting=quoting)
    dated = contract or contract_named(DEFAULT_PROFILE)
    try:
        return read_struct(value, MEMBERS, _EXPECTED, lambda fields: _read(fields, dated))
    except Misfit as misfit:
        raise wrong_shape(misfit, body, quoting=quoting) from None


def _read(fields: dict[str, Any], contract: Contract) -> ChatRequest:
    slips: Slips = []
    values, extras = read_members(
        fields, MEMBERS, _REQUIRED, lambda name, value: _special(name, value, contract, slips)
    )
    user_id = extras.pop("user_id", None)
    if isinstance(user_id, str):  # any other user_id is accepted and ignored
        values["user_id"] = user_id
    return ChatRequest(extras=extras, slips=tuple(slips), **values)


def _special(name: str, value: Any, contract: Contract, slips: Slips) -> Any:
    """The members whose reading takes more than the value."""
    if name == "messages":
        return read_messages(value, slips)
    if name == "stop":
        return read_stop(value, slips)
    return variant(value, [effort for effort in _EFFORTS if effort in contract.efforts])


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
        fields["tools"] = [encode_tool(tool) for tool in request.tools]
    if isinstance(request.tool_choice, NamedTool):
        fields["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice.name}}
    elif request.tool_choice is not None:
        fields["tool_choice"] = request.tool_choice
    for name in _AS_IS:
        if (value := getattr(request, name)) is not None:
            fields[name] = value
    return fields


_AS_IS = (
    *("max_tokens", "temperature", "top_p", "response_format", "logprobs", "top_logprobs", "user_id", "seed", "n"),
    *("frequency_penalty", "presence_penalty"),
)


def encode_request(request: ChatRequest) -> bytes:
    return dump_fields(request_fields(request))
