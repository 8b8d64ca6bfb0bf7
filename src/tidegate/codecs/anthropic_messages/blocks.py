"""Content blocks of a Messages request: shapes only. Which block may stand where is `conversation`'s business.

A block is a frozen value that holds what the translation needs. Members that the contract ignores (cache_control,
citations, title, context) are not kept, nor checked: DeepSeek's package does not look at them either.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from tidegate.codecs.anthropic_messages.records import Members, anything, read_members, record, tagged
from tidegate.codecs.shapes import Misfit, boolean, each, string, variant
from tidegate.core.jsonvalue import as_list

MEDIA_TYPES = ("image/jpeg", "image/jpg", "image/png", "image/gif", "image/webp")


class TextBlock(Struct, frozen=True, gc=False):
    text: str


class ImageBlock(Struct, frozen=True, gc=False):
    """`value` is base64 data, a URL or a file's id, by `source`; `media_type` only stands with base64."""

    source: Literal["base64", "url", "file"]
    value: str
    media_type: str = ""


class DocumentBlock(Struct, frozen=True, gc=False):
    media_type: str | None


class ThinkingBlock(Struct, frozen=True, gc=False):
    thinking: str


class ToolUseBlock(Struct, frozen=True, gc=False):
    call_id: str
    name: str
    input: Any


class ToolReferenceBlock(Struct, frozen=True, gc=False):
    """Inside a tool's result: names a deferred tool that the model may use from here on."""

    name: str


class ToolAdditionBlock(Struct, frozen=True, gc=False):
    """In a system message: the same, said by the client."""

    name: str


class ToolResultBlock(Struct, frozen=True, gc=False):
    call_id: str
    content: tuple[TextBlock | ImageBlock | DocumentBlock | ToolReferenceBlock, ...]


class ServerToolBlock(Struct, frozen=True, gc=False):
    """What a tool of Anthropic's or DeepSeek's servers was asked or answered."""

    kind: Literal["tool_use", "web_search_tool_result"]


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | ServerToolBlock
    | ToolAdditionBlock
)


def read_content(value: object) -> str | tuple[Block, ...]:
    return value if isinstance(value, str) else _blocks(value, _block)


def read_system(value: object) -> str | tuple[TextBlock, ...]:
    return value if isinstance(value, str) else _blocks(value, _system_block)


def _blocks(value: object, read: Any) -> tuple[Any, ...]:
    items = as_list(value)
    if items is None:
        raise Misfit("expected a string or a list")
    return tuple(each(items, read))


def _text(fields: dict[str, Any]) -> TextBlock:
    return TextBlock(read_members(fields, {"text": string}, ("text",))["text"])


def _image(fields: dict[str, Any]) -> ImageBlock:
    return read_members(fields, {"source": _image_source}, ("source",))["source"]


def _image_source(value: object) -> ImageBlock:
    return tagged(value, "MessagesImageSource", {"base64": _base64, "url": _url, "file": _file})


def _base64(fields: dict[str, Any]) -> ImageBlock:
    members: Members = {"media_type": lambda value: variant(value, MEDIA_TYPES), "data": string}
    found = read_members(fields, members, ("media_type", "data"))
    return ImageBlock("base64", found["data"], found["media_type"])


def _url(fields: dict[str, Any]) -> ImageBlock:
    return ImageBlock("url", read_members(fields, {"url": string}, ("url",))["url"])


def _file(fields: dict[str, Any]) -> ImageBlock:
    return ImageBlock("file", read_members(fields, {"file_id": string}, ("file_id",))["file_id"])


def _document(fields: dict[str, Any]) -> DocumentBlock:
    found = read_members(fields, {"source": _document_source}, ("source",))
    return DocumentBlock(found["source"].get("media_type"))


def _document_source(value: object) -> dict[str, Any]:
    return record(value, "struct MessagesDocumentSource", {"media_type": string})


def _thinking(fields: dict[str, Any]) -> ThinkingBlock:
    found = read_members(fields, {"thinking": string, "signature": string}, ("thinking",))
    return ThinkingBlock(found["thinking"])


_USE = {"id": string, "name": string, "input": anything}


def _tool_use(fields: dict[str, Any]) -> ToolUseBlock:
    found = read_members(fields, _USE, tuple(_USE))
    return ToolUseBlock(found["id"], found["name"], found["input"])


def _server_tool_use(fields: dict[str, Any]) -> ServerToolBlock:
    read_members(fields, _USE, tuple(_USE))
    return ServerToolBlock("tool_use")


def _web_search_result(fields: dict[str, Any]) -> ServerToolBlock:
    read_members(fields, {"tool_use_id": string, "content": anything}, ("tool_use_id", "content"))
    return ServerToolBlock("web_search_tool_result")


def _tool_result(fields: dict[str, Any]) -> ToolResultBlock:
    members = {"tool_use_id": string, "content": _result_content, "is_error": boolean}
    found = read_members(fields, members, ("tool_use_id",))
    return ToolResultBlock(found["tool_use_id"], found.get("content", ()))


def _result_content(value: object) -> tuple[Any, ...]:
    if isinstance(value, str):
        return (TextBlock(value),)
    return _blocks(value, _result_block)


def _tool_reference(fields: dict[str, Any]) -> ToolReferenceBlock:
    return ToolReferenceBlock(read_members(fields, {"tool_name": string}, ("tool_name",))["tool_name"])


def _tool_addition(fields: dict[str, Any]) -> ToolAdditionBlock:
    return read_members(fields, {"tool": _added_tool}, ("tool",))["tool"]


def _added_tool(value: object) -> ToolAdditionBlock:
    return tagged(value, "MessagesToolReference", {"tool_reference": _named_tool})


def _named_tool(fields: dict[str, Any]) -> ToolAdditionBlock:
    return ToolAdditionBlock(read_members(fields, {"name": string}, ("name",))["name"])


def _block(value: object) -> Block:
    return tagged(value, "MessagesContentBlock", _BLOCKS)


def _result_block(value: object) -> Any:
    return tagged(value, "MessagesToolResultBlock", _RESULT_BLOCKS)


def _system_block(value: object) -> TextBlock:
    return tagged(value, "MessagesSystemBlock", {"text": _text})


# In the order in which the error text for an unknown one lists them.
_BLOCKS = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "server_tool_use": _server_tool_use,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "web_search_tool_result": _web_search_result,
    "tool_addition": _tool_addition,
}
_RESULT_BLOCKS = {"text": _text, "image": _image, "document": _document, "tool_reference": _tool_reference}
