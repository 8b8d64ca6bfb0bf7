"""llama.cpp's server: each quirk where it applies and where it does not, and its errors in the contract's words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, chunk, reader_of, request

from tidegate.codecs import sse
from tidegate.core.errors import (
    NotSupported,
)
from tidegate.core.events import Reasoning, Text
from tidegate.dialects.llamacpp import LLAMACPP

OFF = {"type": "disabled"}


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = LLAMACPP.encode(request(**asked), "m")
    assert encoded.streamed
    return orjson.loads(encoded.body), encoded.quirks


def test_the_whole_of_a_plain_request():
    body, quirks = sent()
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": True},
        "reasoning_effort": "high",
        "max_tokens": 65536,
        "temperature": 1,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
    }
    assert quirks == ("LCP007", "LCP004", "LCP003", "LCP001", "LCP002", "REQ004")


def test_a_stream_is_always_asked_for_and_it_is_a_quirk_if_the_client_did_not():
    assert "LCP001" in sent()[1]
    body, quirks = sent(stream=True)
    assert body["stream"] is True
    assert "LCP001" not in quirks


@pytest.mark.parametrize(
    ("asked", "kwargs", "effort"),
    [
        ({}, True, "high"),
        ({"thinking": {"type": "enabled"}}, True, "high"),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}, True, "low"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, True, "high"),
        ({"reasoning_effort": "minimal"}, True, "low"),
        ({"reasoning_effort": "low"}, True, "low"),
        ({"reasoning_effort": "medium"}, True, "high"),
        ({"reasoning_effort": "high"}, True, "high"),
        ({"reasoning_effort": "xhigh"}, True, "high"),
        ({"reasoning_effort": "max"}, True, "max"),
        ({"reasoning_effort": "ultra"}, True, "max"),
        ({"reasoning_effort": "none"}, False, None),
        ({"thinking": OFF}, False, None),
        ({"thinking": OFF, "reasoning_effort": "max"}, False, None),
    ],
)
def test_thinking_is_switched_explicitly_and_effort_mapped_as_the_contract_maps_it(asked, kwargs, effort):
    body, quirks = sent(**asked)
    assert body["chat_template_kwargs"] == {"enable_thinking": kwargs}
    assert body.get("reasoning_effort") == effort
    assert "thinking" not in body
    assert "LCP002" in quirks


def test_thinking_forces_the_contracts_sampling():
    body, _ = sent(temperature=0.1, top_p=0.2)
    assert (body["temperature"], body["top_p"], body["top_k"], body["min_p"]) == (1, 1, 0, 0)


def test_without_thinking_the_clients_sampling_holds():
    body, quirks = sent(temperature=0.1, top_p=0.2, thinking=OFF)
    assert (body["temperature"], body["top_p"], body["top_k"], body["min_p"]) == (0.1, 0.2, 0, 0)
    assert "LCP003" in quirks


def test_without_thinking_too_what_the_client_does_not_say_is_the_contracts_default_and_not_the_servers():
    body, _ = sent(thinking=OFF)
    assert (body["temperature"], body["top_p"], body["top_k"], body["min_p"]) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        ({"thinking": OFF}, 8192),
        ({"thinking": OFF, "reasoning_effort": "max"}, 8192),
        ({"reasoning_effort": "none"}, 8192),
        ({}, 65536),
        ({"reasoning_effort": "xhigh"}, 65536),
        ({"reasoning_effort": "max"}, 131072),
        ({"reasoning_effort": "ultra"}, 131072),
    ],
)
def test_a_missing_length_becomes_the_contracts_default(asked, length):
    body, quirks = sent(**asked)
    assert body["max_tokens"] == length
    assert "LCP004" in quirks


def test_the_clients_length_holds():
    body, quirks = sent(max_tokens=7)
    assert body["max_tokens"] == 7
    assert "LCP004" not in quirks


def test_a_prefix_loses_its_flag_and_nothing_else():
    prefix = {"role": "assistant", "content": "The", "reasoning_content": "R", "prefix": True}
    body, quirks = sent(messages=[{"role": "user", "content": "Hi"}, prefix])
    assert body["messages"][-1] == {"role": "assistant", "content": "The", "reasoning_content": "R"}
    assert "LCP005" in quirks


def test_without_a_prefix_nothing_is_said_of_it():
    assert "LCP005" not in sent(messages=[{"role": "assistant", "content": "The"}])[1]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_tool_is_asked_for_by_schema(choice):
    body, quirks = sent(tools=[WEATHER], tool_choice=choice, thinking=OFF)
    assert not {"tools", "tool_choice"} & body.keys()
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {
        "name": {"const": "get_weather"},
        "arguments": WEATHER["function"]["parameters"],
    }
    assert "get_weather" in body["messages"][0]["content"]
    assert "LCP006" in quirks


FORM = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("asked", "budget"),
    [
        ({"response_format": {"type": "json_object"}, "max_tokens": 100}, 50),
        ({"response_format": FORM, "max_tokens": 1}, 1),
        ({"response_format": FORM}, 32768),
        ({"tools": [WEATHER], "tool_choice": "required", "max_tokens": 60}, 30),
        ({"response_format": FORM, "max_tokens": 100, "thinking": OFF}, None),
        ({"response_format": {"type": "text"}, "max_tokens": 100}, None),
        ({"tools": [WEATHER], "max_tokens": 100}, None),
        ({}, None),
    ],
)
def test_a_thought_before_json_leaves_room_for_it(asked, budget):
    body, quirks = sent(**asked)
    assert body.get("thinking_budget_tokens") == budget
    assert ("LCP010" in quirks) is (budget is not None)


@pytest.mark.parametrize(
    "asked", [{"tools": [WEATHER]}, {"tools": [WEATHER], "tool_choice": "auto"}, {"tool_choice": "required"}]
)
def test_a_choice_that_forces_nothing_is_no_quirk(asked):
    assert "LCP006" not in sent(**asked)[1]


def test_what_no_local_runtime_needs_is_dropped():
    body, quirks = sent(user_id="u", frequency_penalty=1, presence_penalty=1)
    assert not {"user_id", "frequency_penalty", "presence_penalty"} & body.keys()
    assert {"REQ002", "REQ003"} <= set(quirks)


def test_it_is_not_transparent():
    assert not LLAMACPP.transparent
    assert reader_of(LLAMACPP, streamed=True).quirks == []


@pytest.mark.parametrize(
    ("props", "slots"),
    [
        (b'{"default_generation_settings":{"n_ctx":1024},"total_slots":2}', 2),
        (b'{"total_slots":0}', None),
        (b'{"total_slots":-1}', None),
        (b'{"total_slots":true}', None),
        (b'{"total_slots":"4"}', None),
        (b"{}", None),
    ],
)
def test_the_real_slots_are_read_where_they_are_told(props, slots):
    told = LLAMACPP.tells_slots
    assert told is not None
    assert (told.path, told.read(props)) == ("/props", slots)


def test_logprobs_of_calls_are_refused_because_the_server_would_and_either_alone_passes():
    with pytest.raises(NotSupported, match="LCP009"):
        sent(tools=[WEATHER], logprobs=True)
    assert sent(logprobs=True)[0]["logprobs"] is True
    assert "tools" in sent(tools=[WEATHER])[0]


def test_an_answer_without_a_reasoning_parser_is_split_at_its_tags():
    reader = reader_of(LLAMACPP, streamed=True)
    pieces = ("<think>", "Hm.", "</think>", "\n\n2")
    body = b"".join(sse.encode(orjson.dumps(chunk(delta={"content": piece}))) for piece in pieces)
    body += sse.encode(orjson.dumps(chunk(delta={}, finish_reason="stop"))) + sse.encode(b"[DONE]")
    events = [event for frame in reader.feed(body) for event in frame.events]
    assert events[1:-2] == [Reasoning("Hm."), Text("2")]
    assert reader.quirks == ["LCP008"]


FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ({"response_format": FORMAT, "thinking": {"type": "disabled"}}, True),
        ({"tools": [WEATHER], "tool_choice": "required", "thinking": {"type": "disabled"}}, True),
        ({"response_format": FORMAT}, False),
        ({"thinking": {"type": "disabled"}}, False),
        ({"tools": [WEATHER], "thinking": {"type": "disabled"}}, False),
    ],
)
def test_a_grammar_holds_from_the_first_token_where_nothing_may_be_thought(asked: dict[str, Any], held: bool) -> None:
    encoded = LLAMACPP.encode(request(**asked), "m")
    assert (orjson.loads(encoded.body).get("reasoning_format") == "none") is held
    assert ("LCP011" in encoded.quirks) is held
