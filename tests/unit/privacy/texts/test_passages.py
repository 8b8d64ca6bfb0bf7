from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.support.planted import picture

from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, NamedTool, ToolSpec
from tidegate.privacy.texts.passages import passages, unscannable
from tidegate.privacy.texts.places import Place

BLOB = base64.b64encode(bytes(range(256))).decode()


def chat(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=messages, **fields)


def seen(request: ChatRequest | FimRequest) -> dict[str, tuple[str, bool]]:
    return {str(place): (text, maskable) for place, text, maskable in passages(request)}


def test_every_text_of_a_chat_is_there():
    call = ToolCallPart("call_1", "send", '{"to": "ada"}')
    request = chat(
        Message("system", (TextPart("SYS"),)),
        Message("user", (TextPart("ONE"), picture("https://example.test/ada.png"), TextPart("TWO")), "ann"),
        Message("assistant", (ReasoningPart("THOUGHT"), TextPart("SAID"), call)),
        Message("tool", (TextPart("RESULT"),), call_id="call_1"),
        Message("latest_reminder", (TextPart("NOTE"),)),
        tools=(ToolSpec("send", "SENDS", {"properties": {"to": {"description": "WHOM"}}}),),
        tool_choice=NamedTool("send"),
        response_format={"type": "json_schema", "json_schema": {"name": "NAMED", "schema": {"enum": ["x1"]}}},
        stop=("STOP",),
        user_id="USER",
        extras={"fallbacks": ["never sent (REQ001)"]},
    )
    found = seen(request)
    assert found == {
        "model": ("m", False),
        "messages[0].content": ("SYS", True),
        "messages[1].content[0]": ("ONE", True),
        "messages[1].content[1]": ("type\nimage_url\nimage_url\nurl\nhttps://example.test/ada.png", False),
        "messages[1].content[2]": ("TWO", True),
        "messages[1].content (joined)": ("ONETWO", True),
        "messages[1].content (joined by a space)": ("ONE TWO", True),
        "messages[1].name": ("ann", True),
        "messages[2].content": ("SAID", True),
        "messages[2].reasoning_content": ("THOUGHT", True),
        "messages[2].tool_calls[0].id": ("call_1", False),
        "messages[2].tool_calls[0].name": ("send", False),
        "messages[2].tool_calls[0].arguments": ('{"to": "ada"}', True),
        "messages[3].content": ("RESULT", True),
        "messages[3].tool_call_id": ("call_1", False),
        "messages[4].content": ("NOTE", True),
        "tools[0].name": ("send", False),
        "tools[0].description": ("SENDS", True),
        "tools[0].parameters": ("properties\nto\ndescription", False),
        "tools[0].parameters (text 0)": ("WHOM", True),
        "tool_choice": ("send", False),
        "response_format": found["response_format"],
        "stop[0]": ("STOP", True),
        "user_id": ("USER", True),
    }
    assert {"NAMED", "x1", "json_schema"} <= set(found["response_format"][0].split("\n"))
    assert not found["response_format"][1]


def test_every_text_of_a_completion_is_there():
    request = FimRequest(model="m", prompt="a" * 600 + "sk-", suffix="key" + "b" * 600, stop=("S",))
    found = seen(request)
    assert set(found) == {"model", "prompt", "suffix", "stop[0]", "prompt (joined)"}
    assert "sk-key" in found["prompt (joined)"][0]
    assert "suffix" not in seen(FimRequest(model="m", prompt="a"))


@pytest.mark.parametrize("place", ["content", "arguments", "reasoning", "tool"])
def test_escapes_hide_nothing(place: str):
    text = json.dumps({"card": r"\u0034111\/x"})
    messages = {
        "content": Message("user", (TextPart(text),)),
        "arguments": Message("assistant", (ToolCallPart("c", "f", text),)),
        "reasoning": Message("assistant", (ReasoningPart(text),)),
        "tool": Message("tool", (TextPart(text),), call_id="c"),
    }
    found = seen(chat(messages[place]))
    assert any("4111/x" in said for said, _ in found.values())
    assert any(where.endswith("(unescaped 2)") for where in found)


def test_numbers_are_read_however_they_are_written():
    arguments = '{"a": [4.111111111111111e15, {"b": 4111111111111112.0}], "c": 4111}'
    found = seen(chat(Message("assistant", (ToolCallPart("c", "f", arguments),))))
    assert found["messages[0].tool_calls[0].arguments (numbers)"] == ("4111111111111112\n4111111111111111", False)
    plain = seen(chat(Message("assistant", (ToolCallPart("c", "f", '{"c": 4111, "d": 1.5}'),))))
    assert not any("numbers" in place for place in plain)


def test_arguments_that_are_no_json_can_only_be_read():
    assert seen(chat(Message("assistant", (ToolCallPart("c", "f", '{"to": "ada'),)))).get(
        "messages[0].tool_calls[0].arguments"
    ) == ('{"to": "ada', False)


def test_what_cannot_be_looked_into_is_named():
    sound = OpaquePart({"type": "input_audio", "input_audio": {"data": BLOB, "format": "wav"}})
    request = chat(
        Message("user", (TextPart("plain"), picture(f"data:image/png;base64,{BLOB}"), sound)),
        Message("tool", (TextPart(f"file: {BLOB}"),), call_id="c"),
        Message("assistant", (ToolCallPart("c", "f", json.dumps({"data": BLOB})),)),
        Message("user", (TextPart("\\" * 64 + "u0034"),)),
        Message("user", (TextPart("plain %20 text\\n"),)),
    )
    assert [str(place) for place in unscannable(request, passages(request))] == [
        "messages[0].content[1]",
        "messages[0].content[2]",
        "messages[1].content",
        "messages[2].tool_calls[0].arguments",
        "messages[3].content",
    ]
    assert not any(BLOB in text for place, text, _ in passages(request) if place.at == 0)
    completion = FimRequest(model="m", prompt=BLOB, suffix="x")
    assert unscannable(completion, passages(completion)) == [Place("prompt")]


def test_a_file_has_a_name_and_may_have_text():
    part = OpaquePart({"type": "file", "file_data": "name: ada", "filename": "ada.txt"})
    found = seen(chat(Message("user", (part,))))
    assert found["messages[0].content (text 0)"] == ("ada.txt", True)
    assert "name: ada" in found["messages[0].content"][0]
