"""The embedded demo model: said in every answer, kept short and calm, and safe from forged turns."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from tests.support.samples import WEATHER, request
from tests.support.strategies import MODERATE, conversations, tool_specs

from tidegate.codecs.openai_chat.request import request_fields
from tidegate.core.errors import ClientMistake
from tidegate.core.messages import Message, OpaquePart, TextPart
from tidegate.core.requests import ChatRequest, ToolSpec
from tidegate.dialects.embedded import EMBEDDED, break_markers

OFF = {"type": "disabled"}
MARKERS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
]


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = EMBEDDED.encode(request(**asked), "demo")
    assert encoded.streamed
    return orjson.loads(encoded.body), encoded.quirks


def broken(text: str) -> str:
    return text.replace("<", "<\u200b")


@pytest.mark.parametrize("asked", [{}, {"stream": True}, {"thinking": OFF}])
def test_every_answer_says_that_it_is_the_demo_model(asked):
    assert "EMB001" in sent(**asked)[1]


@pytest.mark.parametrize(
    ("asked", "budget"),
    [
        ({}, 16),
        ({"reasoning_effort": "minimal"}, 12),
        ({"reasoning_effort": "low"}, 12),
        ({"reasoning_effort": "high"}, 16),
        ({"reasoning_effort": "max"}, 32),
        ({"reasoning_effort": "ultra"}, 32),
        ({"max_tokens": 20}, 10),
        ({"max_tokens": 1}, 1),
        ({"reasoning_effort": "max", "max_tokens": 1000}, 32),
    ],
)
def test_thinking_has_a_budget_by_effort_and_at_most_half_of_the_length(asked, budget):
    body, quirks = sent(**asked)
    assert body["thinking_budget_tokens"] == budget
    assert "EMB002" in quirks


@pytest.mark.parametrize("asked", [{"thinking": OFF}, {"reasoning_effort": "none"}])
def test_without_thinking_there_is_no_budget(asked):
    body, quirks = sent(**asked)
    assert "thinking_budget_tokens" not in body
    assert "EMB002" not in quirks


@pytest.mark.parametrize(
    ("asked", "temperature", "applied"),
    [
        ({}, 0.3, True),
        ({"temperature": 0.9}, 0.3, True),
        ({"thinking": OFF}, 0.3, True),
        ({"thinking": OFF, "temperature": 0.9}, 0.9, False),
        ({"thinking": OFF, "temperature": 0}, 0, False),
    ],
)
def test_the_model_is_kept_calm_unless_the_client_chose_and_it_does_not_think(asked, temperature, applied):
    body, quirks = sent(**asked)
    assert body["temperature"] == temperature
    assert ("EMB003" in quirks) is applied


def test_a_missing_length_is_short_and_the_clients_own_holds():
    body, quirks = sent()
    assert (body["max_tokens"], "EMB004" in quirks) == (512, True)
    body, quirks = sent(max_tokens=7)
    assert (body["max_tokens"], "EMB004" in quirks) == (7, False)


def test_it_is_switched_as_any_llamacpp_server_is():
    body, quirks = sent(thinking=OFF)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert body["stream_options"] == {"include_usage": True}
    assert {"LCP001", "LCP002", "REQ004"} <= set(quirks)
    assert not {"LCP003", "LCP004"} & set(quirks)


@pytest.mark.parametrize("marker", MARKERS)
def test_each_marker_is_broken_up_wherever_it_stands_in_a_text(marker):
    body, quirks = sent(messages=[{"role": "user", "content": f"a{marker}{marker}b"}])
    assert body["messages"][0]["content"] == f"a{broken(marker)}{broken(marker)}b"
    assert "EMB005" in quirks


EVERYWHERE: dict[str, Any] = {
    "content": {"messages": [{"role": "user", "content": "<|im_end|>"}]},
    "name": {"messages": [{"role": "user", "content": "Hi", "name": "<|im_end|>"}]},
    "text part": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "<|im_end|>"}, {"type": "file"}]}]
    },
    "opaque part": {"messages": [{"role": "user", "content": [{"type": "file", "filename": "<|im_end|>"}]}]},
    "reasoning": {"messages": [{"role": "assistant", "content": "a", "reasoning_content": "<|im_end|>"}]},
    "tool arguments": {
        "messages": [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '"<|im_end|>"'}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ]
    },
    "tool name in history": {
        "messages": [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "<|im_end|>", "arguments": ""}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ]
    },
    "tool result": {
        "messages": [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "<|im_end|>"},
        ]
    },
    "tool description": {"tools": [{"type": "function", "function": {"name": "f", "description": "<|im_end|>"}}]},
    "tool schema value": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [["<|im_end|>"]]}}}]
    },
    "tool schema name": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"<|im_end|>": {}}}}}]
    },
}


@pytest.mark.parametrize("asked", EVERYWHERE.values(), ids=EVERYWHERE)
def test_no_marker_reaches_the_template_from_any_place(asked):
    encoded = EMBEDDED.encode(request(**asked), "demo")
    assert b"<|im_end|>" not in encoded.body
    assert broken("<|im_end|>").encode() in encoded.body
    assert "EMB005" in encoded.quirks


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "a < b",
        "<|im_end",
        "im_end|>",
        "<| im_end |>",
        "<|IM_END|>",
        "<think>",
        "<b>",
        broken("<|im_end|>"),
        "<file>",
    ],
)
def test_other_text_is_not_changed(text):
    body, quirks = sent(messages=[{"role": "user", "content": text}], tools=[WEATHER])
    assert body["messages"][0]["content"] == text
    assert body["tools"] == [WEATHER]
    assert "EMB005" not in quirks


@given(messages=conversations(), tools=tool_specs())
@MODERATE
def test_without_markers_nothing_of_any_request_is_changed(messages, tools):
    asked = ChatRequest(model="demo", messages=messages, tools=tools)
    fields = request_fields(asked)
    before = copy.deepcopy(fields)
    assert not break_markers(asked, fields)
    assert fields == before


@pytest.mark.parametrize("place", ["tools", "messages"])
def test_a_request_nested_too_deeply_is_the_clients_mistake(place):
    deep: dict = {}
    for _ in range(900):
        deep = {"a": deep}
    message = Message("user", (OpaquePart({"type": "file", "file": deep}) if place == "messages" else TextPart("Hi"),))
    tools = (ToolSpec("f", None, deep),) if place == "tools" else ()
    with pytest.raises(ClientMistake, match="nested too deeply"):
        EMBEDDED.encode(ChatRequest(model="demo", messages=(message,), tools=tools), "demo")
