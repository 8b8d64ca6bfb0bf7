"""A chat request to a Messages body: decode(encode(x)) == x for all that Messages can say.

What it cannot say and what would change the answer is `NotSupported`. Left out without a word is what the contract gives
no effect: names of messages, penalties, `n` = 1, `include_usage` (Messages always reports usage), `strict: false`. Three
things come back in another form that means the same: fields outside the contract are not passed on, a tool without
parameters gets the schema of no parameters, and a call's arguments are written as compact JSON.
"""

from __future__ import annotations

from typing import Any, assert_never

import orjson

from tidegate.codecs.anthropic_messages.images import image_block
from tidegate.codecs.json_text import dump_fields
from tidegate.core.errors import NotSupported
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, NamedTool, ToolChoice, ToolSpec


def encode_request(request: ChatRequest) -> bytes:
    _refuse_the_inexpressible(request)
    system, messages = _split(request.messages)
    fields: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": system,
        "messages": _encode_messages(messages),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stream": request.stream or None,
        "thinking": None if request.thinking is None else {"type": request.thinking},
        "output_config": None if request.effort is None else {"effort": request.effort},
        "stop_sequences": list(request.stop) or None,
        "metadata": None if request.user_id is None else {"user_id": request.user_id},
        "tools": [_encode_tool(tool) for tool in request.tools] or None,
        "tool_choice": _encode_choice(request.tool_choice),
    }
    return dump_fields({name: value for name, value in fields.items() if value is not None})


def _encode_choice(choice: ToolChoice | None) -> dict[str, Any] | None:
    if isinstance(choice, NamedTool):
        return {"type": "tool", "name": choice.name}
    return None if choice is None else {"type": choice}


def _split(messages: tuple[Message, ...]) -> tuple[str | list[dict[str, Any]] | None, tuple[Message, ...]]:
    """The system prompt apart, where the format has a field for it: text only, and something must follow."""
    first, rest = messages[:1], messages[1:]
    if not rest or first[0].role != "system" or not all(isinstance(part, TextPart) for part in first[0].parts):
        return None, messages
    return _content(first[0]), rest


def _encode_messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """The results of one turn's calls stand together in one message: each call must be answered by the next message."""
    encoded: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for message in messages:
        if message.role != "tool":
            results = []
            encoded.append({"role": message.role, "content": _content(message)})
            continue
        if not results:
            encoded.append({"role": "user", "content": results})
        results.append({"type": "tool_result", "tool_use_id": message.call_id, "content": _content(message)})
    return encoded


def _refuse_the_inexpressible(request: ChatRequest) -> None:
    wanted = {
        "response_format": request.response_format not in (None, {"type": "text"}),
        "logprobs": bool(request.logprobs),
        "seed": request.seed is not None,
        "tool_choice required": request.tool_choice == "required",
        "strict tools": any(tool.strict for tool in request.tools),
        "the role latest_reminder": any(message.role == "latest_reminder" for message in request.messages),
        "prefix": any(message.prefix for message in request.messages),
    }
    missing = [name for name, asked in wanted.items() if asked]
    if missing:
        raise NotSupported(f"Anthropic Messages has no place for {', '.join(missing)}")


def _content(message: Message) -> str | list[dict[str, Any]]:
    """A text alone stays a text; nothing at all is the empty one."""
    blocks: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case TextPart(text):
                blocks.append({"type": "text", "text": text})
            case ReasoningPart(text):
                blocks.append({"type": "thinking", "thinking": text, "signature": ""})
            case ToolCallPart():
                blocks.append(_encode_call(part))
            case OpaquePart():
                if message.role == "assistant":
                    raise NotSupported("Anthropic Messages has no place for images in what the assistant said")
                blocks.append(image_block(part))
            case _:
                assert_never(part)
    match blocks:
        case []:
            return ""
        case [{"type": "text", "text": str(text)}]:
            return text
        case _:
            return blocks


def _encode_call(call: ToolCallPart) -> dict[str, Any]:
    try:
        given = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        raise NotSupported(
            "Anthropic Messages has no place for tool call arguments that are not JSON (messages[].tool_calls)"
        ) from None
    return {"type": "tool_use", "id": call.call_id, "name": call.name, "input": given}


def _encode_tool(tool: ToolSpec) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    # A function without parameters takes none.
    fields["input_schema"] = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    return fields
