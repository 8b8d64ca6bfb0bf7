"""A conversation as `/api/chat` wants it: one text per turn, images beside it, arguments of tool calls as objects.

What the format has no place for and what would change the answer is `NotSupported`. Names of messages are left out, as
the contract gives them no effect. Nothing is fetched here: an image must come with its data.
"""

from __future__ import annotations

import re
from typing import Any, assert_never

import orjson

from tidegate.core.errors import NotSupported
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)


def encode_messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """A tool's answer names the tool, which only the call before it knows."""
    names: dict[str, str] = {}
    encoded: list[dict[str, Any]] = []
    for message in messages:
        fields = _encode_message(message)
        if message.role == "tool" and message.call_id is not None:
            fields["tool_call_id"] = message.call_id
            if message.call_id in names:
                fields["tool_name"] = names[message.call_id]
        names.update({part.call_id: part.name for part in message.parts if isinstance(part, ToolCallPart)})
        encoded.append(fields)
    return encoded


def _encode_message(message: Message) -> dict[str, Any]:
    texts: list[str] = []
    images: list[str] = []
    calls: list[dict[str, Any]] = []
    fields: dict[str, Any] = {"role": message.role, "content": ""}
    for part in message.parts:
        match part:
            case TextPart(text):
                texts.append(text)
            case ReasoningPart(text):
                fields["thinking"] = text
            case ToolCallPart():
                calls.append(_encode_call(part))
            case OpaquePart(value):
                images.append(_image_data(value))
            case _:
                assert_never(part)
    fields["content"] = "\n\n".join(texts)  # as DeepSeek's encoding joins them (deepseek-recipe 0.2.0)
    if images:
        fields["images"] = images
    if calls:
        fields["tool_calls"] = calls
    return fields


def _encode_call(call: ToolCallPart) -> dict[str, Any]:
    return {"id": call.call_id, "function": {"name": call.name, "arguments": read_arguments(call.arguments)}}


def read_arguments(arguments: str) -> dict[str, Any]:
    try:
        given = as_object(orjson.loads(arguments or "{}"))
    except orjson.JSONDecodeError:
        given = None
    if given is None:
        raise NotSupported(
            "Ollama has no place for tool call arguments that are not a JSON object (messages[].tool_calls)"
        )
    return given


def _image_data(part: dict[str, Any]) -> str:
    match part:
        case {"type": "image_url", "image_url": {"url": str(url), **details}} if (
            details.get("detail", "auto") == "auto"
        ):
            found = _DATA_URL.fullmatch(url)
            if found is None:
                raise NotSupported("Ollama takes images only as base64 data URLs (messages[].content[].image_url.url)")
            return found[1]
        case _:
            what = "image detail" if part.get("type") == "image_url" else f"content of type {part.get('type')!s:.20}"
            raise NotSupported(f"Ollama has no place for {what} (messages[].content)")
