"""Each content block is read into what the translation needs of it; what does not fit is refused in serde's words."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.codecs.anthropic_messages.blocks import (
    DocumentBlock,
    ImageBlock,
    ServerToolBlock,
    TextBlock,
    ThinkingBlock,
    ToolAdditionBlock,
    ToolReferenceBlock,
    ToolResultBlock,
    ToolUseBlock,
    read_content,
    read_system,
)
from tidegate.codecs.shapes import Misfit

KNOWN: list[tuple[dict[str, Any], Any]] = [
    ({"type": "text", "text": "a", "cache_control": 5, "citations": None}, TextBlock("a")),
    ({"type": "image", "source": {"type": "url", "url": "u"}}, ImageBlock("url", "u")),
    ({"type": "image", "source": {"type": "file", "file_id": "f"}}, ImageBlock("file", "f")),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "d"}},
        ImageBlock("base64", "d", "image/png"),
    ),
    (
        {"type": "document", "source": {"media_type": "text/plain", "data": "x"}, "title": "t"},
        DocumentBlock("text/plain"),
    ),
    ({"type": "document", "source": {"type": "url", "url": "u"}}, DocumentBlock(None)),
    ({"type": "thinking", "thinking": "R", "signature": "s"}, ThinkingBlock("R")),
    ({"type": "thinking", "thinking": "R"}, ThinkingBlock("R")),
    ({"type": "tool_use", "id": "t", "name": "f", "input": None}, ToolUseBlock("t", "f", None)),
    ({"type": "tool_result", "tool_use_id": "t"}, ToolResultBlock("t", ())),
    (
        {"type": "tool_result", "tool_use_id": "t", "content": "r", "is_error": True},
        ToolResultBlock("t", (TextBlock("r"),)),
    ),
    (
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "g"}]},
        ToolResultBlock("t", (ToolReferenceBlock("g"),)),
    ),
    ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, ServerToolBlock("tool_use")),
    (
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        ServerToolBlock("web_search_tool_result"),
    ),
    ({"type": "tool_addition", "tool": {"type": "tool_reference", "name": "g"}}, ToolAdditionBlock("g")),
]


@pytest.mark.parametrize(("block", "value"), KNOWN)
def test_a_block_is_read(block: dict[str, Any], value: Any):
    assert read_content([block]) == (value,)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("x", 'invalid type: string "x", expected internally tagged enum MessagesContentBlock'),
        ({"type": "text"}, "missing field `text`"),
        ({"type": "text", "text": None}, "invalid type: null, expected a string"),
        ({"type": "image"}, "missing field `source`"),
        ({"type": "image", "source": {"type": "base64", "data": "d"}}, "missing field `media_type`"),
        ({"type": "image", "source": None}, "invalid type: null, expected internally tagged enum MessagesImageSource"),
        ({"type": "document", "source": 5}, "invalid type: integer `5`, expected struct MessagesDocumentSource"),
        ({"type": "thinking", "thinking": "R", "signature": 5}, "invalid type: integer `5`, expected a string"),
        ({"type": "tool_use", "id": "t", "name": "f"}, "missing field `input`"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 5}, "expected a string or a list"),
        ({"type": "tool_result", "tool_use_id": "t", "is_error": 5}, "invalid type: integer `5`, expected a boolean"),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "thinking"}]},
            "unknown variant `thinking`, expected one of `text`, `image`, `document`, `tool_reference`",
        ),
        ({"type": "tool_addition", "tool": {"type": "zz"}}, "unknown variant `zz`, expected `tool_reference`"),
        (
            {"type": "redacted_thinking", "data": "x"},
            "unknown variant `redacted_thinking`, expected one of `text`, `image`, `document`, `thinking`, "
            "`server_tool_use`, `tool_use`, `tool_result`, `web_search_tool_result`, `tool_addition`",
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "d"}},
            "unknown variant `image/bmp`, expected one of `image/jpeg`, `image/jpg`, `image/png`, `image/gif`, "
            "`image/webp`",
        ),
    ],
)
def test_a_block_that_does_not_fit_is_refused(block: Any, text: str):
    with pytest.raises(Misfit) as caught:
        read_content([{"type": "text", "text": "a"}, block])
    assert caught.value.shown == text
    assert caught.value.path[0] == 1


def test_content_is_a_text_or_a_list():
    assert read_content("a") == "a"
    with pytest.raises(Misfit, match=r"^expected a string or a list$"):
        read_content(None)


def test_a_system_prompt_holds_text_only():
    assert read_system([{"type": "text", "text": "a", "cache_control": {}}]) == (TextBlock("a"),)
    with pytest.raises(Misfit, match="unknown variant `image`, expected `text`"):
        read_system([{"type": "image"}])
