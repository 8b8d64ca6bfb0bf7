"""Requests out: what is written for each field, and that nothing which matters is left out silently.

That decoding gives the request back is a law (`tests/laws/test_messages_codec.py`).
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.codecs.anthropic_messages.outgoing import encode_request
from tidegate.core.errors import ClientMistake, NotSupported
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, NamedTool, ToolSpec

SYSTEM = Message("system", (TextPart("Be kind."),))
HI = Message("user", (TextPart("Hi"),))


def written(*messages: Message, **settings: Any) -> dict[str, Any]:
    return orjson.loads(encode_request(ChatRequest(model="m", messages=messages or (HI,), **settings)))


def test_only_what_was_asked_is_written():
    assert written() == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_each_field_finds_its_place():
    fields = written(
        stream=True, thinking="enabled", effort="max", max_tokens=9, temperature=0, top_p=1, stop=("a",), user_id="u",
        tools=(ToolSpec("f", "d", {"type": "object"}), ToolSpec("g")), tool_choice=NamedTool("f"),
    )  # fmt: skip
    assert fields == {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0,
        "top_p": 1,
        "stream": True,
        "thinking": {"type": "enabled"},
        "output_config": {"effort": "max"},
        "stop_sequences": ["a"],
        "metadata": {"user_id": "u"},
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object"}},
            {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        ],
        "tool_choice": {"type": "tool", "name": "f"},
    }


def test_the_first_system_message_is_the_system_prompt():
    fields = written(SYSTEM, HI, SYSTEM)
    assert fields["system"] == "Be kind."
    assert [message["role"] for message in fields["messages"]] == ["user", "system"]


def test_a_system_message_alone_stays_a_message():
    """A request must hold a message."""
    assert written(SYSTEM) == {"model": "m", "messages": [{"role": "system", "content": "Be kind."}]}


def test_the_results_of_one_turn_stand_in_one_message():
    called = Message(
        "assistant", (ReasoningPart("R"), ToolCallPart("a", "f", '{"x": 1}'), ToolCallPart("b", "f", "{}"))
    )
    answers = [Message("tool", (TextPart("r"),), call_id="b"), Message("tool", (), call_id="a")]
    thought, *calls = written(HI, called, *answers, HI)["messages"][1]["content"]
    assert thought == {"type": "thinking", "thinking": "R", "signature": ""}
    assert [call["input"] for call in calls] == [{"x": 1}, {}]
    assert written(HI, called, *answers, HI)["messages"][2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "b", "content": "r"},
            {"type": "tool_result", "tool_use_id": "a", "content": ""},
        ],
    }


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"seed": 1}, "seed"),
        ({"tool_choice": "required"}, "tool_choice required"),
        ({"tools": (ToolSpec("f", strict=True),)}, "strict tools"),
    ],
)
def test_a_wish_that_messages_cannot_say_is_refused_by_name(settings: dict[str, Any], word: str):
    with pytest.raises(NotSupported, match=word):
        written(**settings)


@pytest.mark.parametrize(
    "message",
    [
        Message("latest_reminder", (TextPart("x"),)),
        Message("assistant", (TextPart("x"),), prefix=True),
        Message("assistant", (OpaquePart({"type": "image_url", "image_url": {"url": "https://x"}}),)),
        Message("assistant", (ToolCallPart("a", "f", '{"secret'),)),
        Message("user", (OpaquePart({"type": "input_audio"}),)),
    ],
)
def test_a_message_that_messages_cannot_say_is_refused(message: Message):
    with pytest.raises(NotSupported) as caught:
        written(HI, message)
    assert "secret" not in caught.value.message


def test_what_has_no_effect_is_left_out():
    settings = {"n": 1, "frequency_penalty": 1.0, "logprobs": False, "include_usage": True, "extras": {"system": "x"}}
    assert (
        written(Message("user", (TextPart("Hi"),), name="Ann"), **settings, response_format={"type": "text"})
        == written()
    )


def test_a_schema_too_deep_to_write_is_the_clients_to_mend():
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(ClientMistake, match="nested too deeply"):
        written(tools=(ToolSpec("f", parameters=deep),))
