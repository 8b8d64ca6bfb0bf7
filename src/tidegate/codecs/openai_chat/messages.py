"""The `messages` array: JSON turns to canonical `Message` values and back. Shapes only; the rules are in `message_rules`.

What the hosted parser does not read (a tool's `name`, a user's `prefix`) may have any type, and is kept only if it fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never, cast

from tidegate.codecs.members import Slips
from tidegate.codecs.records import Record, TaggedRecords
from tidegate.codecs.shapes import Misfit, array, boolean, each, maybe, string, variant
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, Role, TextPart, ToolCallPart

DETAILS = ("low", "high", "original", "auto")

_IMAGE_URL = Record(
    "struct ChatCompletionImageUrl",
    {"url": string, "detail": maybe(lambda value: variant(value, DETAILS))},
    required=["url"],
    omittable=["detail"],
    buffered=True,
)
_BLOCK = "struct variant ChatCompletionRequestContentBlock::"
_BLOCKS = TaggedRecords(
    "ChatCompletionRequestContentBlock",
    "type",
    {
        "text": Record(f"{_BLOCK}Text", {"text": string}, required=["text"], buffered=True),
        "image_url": Record(f"{_BLOCK}ImageUrl", {"image_url": _IMAGE_URL.read}, required=["image_url"], buffered=True),
        "file": Record(
            f"{_BLOCK}File",
            {"file_id": maybe(string), "file_data": maybe(string), "filename": maybe(string)},
            buffered=True,
        ),
    },
)


def _part(value: Any) -> Part:
    kind, members = _BLOCKS.read(value)
    if kind == "text":
        return TextPart(members["text"])
    # An object travels as it came; what was written as an array gets its names.
    return OpaquePart(as_object(value) or {"type": kind, **members})


def _content(value: Any) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (TextPart(value),) if value else ()
    items = as_list(value)
    if items is None:
        raise Misfit("content should be a string or a list", spot="before" if isinstance(value, dict) else "after")
    parts = tuple(each(items, _part))
    return () if parts == (TextPart(""),) else parts


def _reminder(value: Any) -> tuple[Part, ...]:
    text = string(value)
    return (TextPart(text),) if text else ()


_FUNCTION_CALL = Record(
    "struct ChatCompletionRequestFunctionCall",
    {"name": string, "arguments": string},
    required=["name", "arguments"],
    buffered=True,
)
_TOOL_CALL = Record(
    "struct ChatCompletionRequestToolCall",
    {"id": string, "type": lambda value: variant(value, ("function",)), "function": _FUNCTION_CALL.read},
    required=["id", "type", "function"],
    buffered=True,
)


def _call(value: Any) -> ToolCallPart:
    call = _TOOL_CALL.read(value)
    return ToolCallPart(call["id"], call["function"]["name"], call["function"]["arguments"])


_MESSAGE = "struct variant ChatCompletionRequestMessage::"
_NAMED: dict[str, Callable[[Any], Any]] = {"content": _content, "name": maybe(string)}
_MESSAGES = TaggedRecords(
    "ChatCompletionRequestMessage",
    "role",
    {
        "system": Record(f"{_MESSAGE}System", _NAMED, required=["content"], buffered=True),
        "user": Record(f"{_MESSAGE}User", _NAMED, required=["content"], buffered=True),
        "assistant": Record(
            f"{_MESSAGE}Assistant",
            {
                "content": maybe(_content),
                "reasoning_content": maybe(string),
                "name": maybe(string),
                "tool_calls": maybe(lambda value: each(array(value), _call)),
                "prefix": maybe(boolean),
            },
            buffered=True,
        ),
        "tool": Record(
            f"{_MESSAGE}Tool",
            {"content": _content, "tool_call_id": string},
            required=["content", "tool_call_id"],
            buffered=True,
        ),
        "latest_reminder": Record(
            f"{_MESSAGE}LatestReminder", {"content": _reminder}, required=["content"], buffered=True
        ),
    },
)
_PLAIN_ROLES = frozenset({"user", "system", "assistant", "latest_reminder"})


def read_messages(value: Any, slips: Slips) -> tuple[Message, ...]:
    """All messages; what canonical form cannot hold of them is added to `slips`."""
    messages: list[Message] = []
    for index, item in enumerate(array(value)):
        try:
            messages.append(_message(item, index, slips))
        except Misfit as misfit:
            raise misfit.at(index) from None
    return tuple(messages)


def _message(item: Any, index: int, slips: Slips) -> Message:
    fields = as_object(item) or {}
    if len(fields) == 2:  # nearly every message: a role and a text
        role, text = fields.get("role"), fields.get("content")
        if isinstance(text, str) and isinstance(role, str) and role in _PLAIN_ROLES:
            return Message(cast("Role", role), (TextPart(text),) if text else ())
    role, members = _MESSAGES.read(item)
    name = members.get("name", fields.get("name"))
    return Message(
        role=cast("Role", role),
        parts=_spoken(members, index, slips) if role == "assistant" else members["content"],
        name=name if isinstance(name, str) else None,
        call_id=members.get("tool_call_id"),
        prefix=members.get("prefix") or False,
    )


def _spoken(members: dict[str, Any], index: int, slips: Slips) -> tuple[Part, ...]:
    """An assistant's parts in canonical order."""
    content, reasoning, calls = members.get("content"), members.get("reasoning_content"), members.get("tool_calls")
    if calls is not None and not calls:
        slips.append(("tool_calls_empty", index))
    elif calls is None and content is None:
        slips.append(("assistant_empty", index))
    thought: tuple[Part, ...] = () if reasoning is None else (ReasoningPart(reasoning),)
    return (*thought, *(content or ()), *(calls or ()))


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
