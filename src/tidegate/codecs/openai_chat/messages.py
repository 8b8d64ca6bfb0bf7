"""The `messages` array: JSON turns to canonical `Message` values and back, and the rules about their order."""

from __future__ import annotations

from typing import Any, assert_never, get_args

from tidegate.codecs.openai_chat.fields import bool_field, string_field, wrong_shape
from tidegate.core.errors import ClientMistake
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, Role, TextPart, ToolCallPart

_ROLES = get_args(Role)
_PART_TYPES = ("text", "image_url", "file")
_LATE_PREFIX = (
    "Invalid completion message: prefix set true with message which is not final message "
    "or message role is not assistant"
)
_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "(insufficient tool messages following tool_calls message)"
)


def decode_messages(value: object) -> tuple[Message, ...]:
    items = as_list(value)
    if items is None:
        raise wrong_shape("messages: expected an array")
    if not items:
        raise ClientMistake("Empty input messages")
    messages = tuple(_decode_message(item, f"messages[{index}]") for index, item in enumerate(items))
    _check_order(messages)
    return messages


def _decode_message(item: Any, place: str) -> Message:
    fields = as_object(item)
    if fields is None:
        raise wrong_shape(f"{place}: expected an object")
    role: Any = fields.get("role")
    if role not in _ROLES:
        expected = ", ".join(f"`{name}`" for name in _ROLES)
        found = "missing field `role`" if role is None else f"role: unknown variant, expected one of {expected}"
        raise wrong_shape(f"{place}.{found}" if role is not None else f"{place}: {found}")
    parts = _decode_content(fields.get("content"), place)
    if role == "assistant":
        parts = _decode_assistant(fields, parts, place)
    elif fields.get("content") is None:
        raise wrong_shape(f"{place}: missing field `content`")
    if role != "tool" and "name" not in fields and "prefix" not in fields:
        return Message(role, parts)
    return Message(
        role=role,
        parts=parts,
        name=string_field(fields, "name", f"{place}.name"),
        call_id=_decode_call_id(fields, place) if role == "tool" else None,
        prefix=bool_field(fields, "prefix", f"{place}.prefix") or False,
    )


def _decode_call_id(fields: dict[str, Any], place: str) -> str:
    call_id = string_field(fields, "tool_call_id", f"{place}.tool_call_id")
    if call_id is None:
        raise wrong_shape(f"{place}: missing field `tool_call_id`")
    return call_id


def _decode_content(content: Any, place: str) -> tuple[Part, ...]:
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (TextPart(content),)
    items = as_list(content)
    if items is None:
        raise wrong_shape(f"{place}.content: expected a string or an array of parts")
    parts = tuple(_decode_part(item, f"{place}.content[{index}]") for index, item in enumerate(items))
    return () if parts == (TextPart(""),) else parts


def _decode_part(item: Any, place: str) -> Part:
    part = as_object(item) or {}
    kind = part.get("type")
    if kind not in _PART_TYPES:
        raise wrong_shape(f"{place}.type: unknown variant, expected one of `text`, `image_url`, `file`")
    if kind != "text":
        return OpaquePart(part)
    text = string_field(part, "text", f"{place}.text")
    if text is None:
        raise wrong_shape(f"{place}: missing field `text`")
    return TextPart(text)


def _decode_assistant(fields: dict[str, Any], content: tuple[Part, ...], place: str) -> tuple[Part, ...]:
    calls = as_list(fields.get("tool_calls"))
    if calls is None and fields.get("tool_calls") is not None:
        raise wrong_shape(f"{place}.tool_calls: expected an array")
    if fields.get("content") is None and not calls:
        raise ClientMistake("Invalid assistant message: content or tool_calls must be set")
    reasoning = string_field(fields, "reasoning_content", f"{place}.reasoning_content")
    thought: tuple[Part, ...] = () if reasoning is None else (ReasoningPart(reasoning),)
    called = tuple(_decode_call(call, f"{place}.tool_calls[{index}]") for index, call in enumerate(calls or ()))
    return (*thought, *content, *called)


def _decode_call(call: Any, place: str) -> ToolCallPart:
    fields = as_object(call) or {}
    inner = as_object(fields.get("function"))
    if inner is None:
        raise wrong_shape(f"{place}: missing field `function`")
    call_id, name = string_field(fields, "id", f"{place}.id"), string_field(inner, "name", f"{place}.function.name")
    arguments = string_field(inner, "arguments", f"{place}.function.arguments")
    if call_id is None or name is None or arguments is None:
        raise wrong_shape(f"{place}: `id`, `function.name` and `function.arguments` must be set")
    return ToolCallPart(call_id, name, arguments)


def _check_order(messages: tuple[Message, ...]) -> None:
    """Tool results answer the calls before them, each call is answered, and a prefix stands last."""
    open_calls: set[str] = set()
    for position, message in enumerate(messages):
        if message.role == "tool":
            if message.call_id not in open_calls:
                raise ClientMistake(
                    "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
                )
            open_calls.discard(message.call_id)
        elif open_calls:
            raise ClientMistake(_UNANSWERED)
        else:
            open_calls = {part.call_id for part in message.parts if isinstance(part, ToolCallPart)}
        if message.prefix and (position != len(messages) - 1 or message.role != "assistant"):
            raise ClientMistake(_LATE_PREFIX)
    if open_calls:
        raise ClientMistake(_UNANSWERED)


def encode_message(message: Message) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    fields: dict[str, Any] = {"role": message.role, "content": ""}
    calls: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case TextPart(text):
                content.append({"type": "text", "text": text})
            case ReasoningPart(text):
                fields["reasoning_content"] = text
            case ToolCallPart(call_id, name, arguments):
                function = {"name": name, "arguments": arguments}
                calls.append({"id": call_id, "type": "function", "function": function})
            case OpaquePart(value):
                content.append(value)
            case _:
                assert_never(part)
    if len(content) == 1 and content[0].get("type") == "text":
        fields["content"] = content[0]["text"]
    elif content:
        fields["content"] = content
    if calls:
        fields["tool_calls"] = calls
    if message.name is not None:
        fields["name"] = message.name
    if message.call_id is not None:
        fields["tool_call_id"] = message.call_id
    if message.prefix:
        fields["prefix"] = True
    return fields
