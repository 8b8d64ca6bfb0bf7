"""Ollama: each quirk where it applies and where it does not. Declared from its source, not run."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, reader_of, request

from tidegate.core.errors import NotSupported
from tidegate.core.events import Start, Text
from tidegate.core.requests import FimRequest
from tidegate.dialects.ollama import OLLAMA

OFF = {"type": "disabled"}
ALWAYS = ("OLL002", "OLL003", "OLL004")


def sent(*, at_home: bool = False, **asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = OLLAMA.encode(request(**asked), "qwen3:8b", at_home=at_home)
    assert (encoded.path, encoded.streamed, encoded.passes) == ("/api/chat", True, False)
    return orjson.loads(encoded.body), encoded.quirks


def refused(code: str, **asked: Any) -> None:
    with pytest.raises(NotSupported, match=code):
        sent(**asked)


def test_the_whole_of_a_plain_request():
    body, quirks = sent()
    assert body == {
        "model": "qwen3:8b",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "think": "high",
        "truncate": False,
        "shift": False,
        "options": {
            "num_predict": 65536,
            "temperature": 1,
            "top_p": 1,
            "top_k": 0,
            "min_p": 0,
            "repeat_penalty": 1,
            "frequency_penalty": 0,
            "presence_penalty": 0,
        },
    }
    assert quirks == (*ALWAYS, "OLL005", "OLL006")


def test_what_is_asked_for_in_full_needs_no_more_than_the_quirks_of_every_request():
    assert sent(stream=True, max_tokens=7)[1] == ALWAYS


def test_at_home_the_name_says_local_and_outside_it_stays():
    body, quirks = sent(at_home=True)
    assert body["model"] == "qwen3:8b:local"
    assert quirks[0] == "OLL001"
    body, quirks = sent()
    assert body["model"] == "qwen3:8b"
    assert "OLL001" not in quirks


def test_a_cloud_model_is_never_asked_for_at_home():
    with pytest.raises(NotSupported, match="OLL001"):
        OLLAMA.encode(request(), "deepseek-v4-flash:cloud", at_home=True)
    assert b"deepseek-v4-flash:cloud" in OLLAMA.encode(request(), "deepseek-v4-flash:cloud").body
    assert [OLLAMA.may_list(name) for name in ("qwen3:8b", "gpt-oss:120b-cloud")] == [True, False]


@pytest.mark.parametrize(
    ("asked", "think"),
    [
        ({}, "high"),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}, "low"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, "high"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "medium"}, "high"),
        ({"reasoning_effort": "high"}, "high"),
        ({"reasoning_effort": "xhigh"}, "high"),
        ({"reasoning_effort": "max"}, "max"),
        ({"reasoning_effort": "ultra"}, "max"),
        ({"reasoning_effort": "none"}, False),
        ({"thinking": OFF}, False),
        ({"thinking": OFF, "reasoning_effort": "max"}, False),
    ],
)
def test_thinking_is_switched_explicitly_and_effort_mapped_as_the_contract_maps_it(asked, think):
    assert sent(**asked)[0]["think"] == think


@pytest.mark.parametrize(
    ("asked", "sampled"),
    [
        ({"temperature": 0.1, "top_p": 0.2}, (1, 1)),
        ({"temperature": 0.1, "top_p": 0.2, "thinking": OFF}, (0.1, 0.2)),
        ({"temperature": 0, "thinking": OFF}, (0, 1)),
        ({"thinking": OFF}, (1, 1)),
    ],
)
def test_the_contracts_sampling_holds(asked, sampled):
    options = sent(**asked)[0]["options"]
    assert (options["temperature"], options["top_p"]) == sampled


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        ({"thinking": OFF}, 8192),
        ({"thinking": OFF, "reasoning_effort": "max"}, 8192),
        ({"reasoning_effort": "low"}, 65536),
        ({"reasoning_effort": "xhigh"}, 65536),
        ({"reasoning_effort": "ultra"}, 131072),
        ({"max_tokens": 7}, 7),
    ],
)
def test_a_missing_length_becomes_the_contracts_default(asked, length):
    body, quirks = sent(**asked)
    assert body["options"]["num_predict"] == length
    assert ("OLL005" in quirks) is ("max_tokens" not in asked)


def test_a_prefix_is_refused_and_a_trailing_assistant_is_not():
    said = {"role": "assistant", "content": "The"}
    refused("OLL007", messages=[{"role": "user", "content": "Hi"}, {**said, "prefix": True}])
    assert sent(messages=[said])[0]["messages"] == [said]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_tool_is_asked_for_by_format(choice):
    body, quirks = sent(tools=[WEATHER], tool_choice=choice, thinking=OFF)
    assert "tools" not in body
    assert body["format"]["properties"]["arguments"] == WEATHER["function"]["parameters"]
    assert {"OLL008", "OLL010"} <= set(quirks)
    assert "OLL008" not in sent(tool_choice=choice, thinking=OFF)[1], "without tools it forces nothing"


def test_tools_that_may_not_be_called_are_not_sent():
    body, quirks = sent(tools=[WEATHER], tool_choice="none")
    assert "tools" not in body
    assert "OLL008" in quirks
    body, quirks = sent(tools=[WEATHER], tool_choice="auto")
    assert body["tools"] == [WEATHER]
    assert "OLL008" not in quirks


def test_a_strict_tool_is_offered_as_a_plain_one():
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    body, quirks = sent(tools=[strict])
    assert body["tools"] == [WEATHER]
    assert "OLL009" in quirks
    assert "OLL009" not in sent(tools=[WEATHER])[1]


def test_json_is_asked_for_by_format_and_a_pattern_is_refused():
    messages = [{"role": "user", "content": "json"}]
    body, quirks = sent(messages=messages, response_format={"type": "json_object"})
    assert body["format"] == "json"
    assert "OLL010" in quirks
    assert "OLL010" not in sent(response_format={"type": "text"})[1]
    refused("OLL010", response_format={"type": "regex", "regex": "a+"})


def test_a_reminder_is_sent_as_the_system():
    body, quirks = sent(messages=[{"role": "latest_reminder", "content": "R"}, {"role": "user", "content": "Hi"}])
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "OLL011" in quirks


def test_what_no_local_runtime_needs_is_dropped():
    assert {"REQ002", "REQ003"} <= set(sent(user_id="u", frequency_penalty=1)[1])


@pytest.mark.parametrize("suffix", [None, "b"])
def test_a_completion_stays_home_too(suffix):
    encoded = OLLAMA.encode(FimRequest(model="auto", prompt="a", suffix=suffix), "qwen3:8b", at_home=True)
    assert (encoded.path, orjson.loads(encoded.body)["model"]) == ("/api/generate", "qwen3:8b:local")
    assert encoded.quirks[0] == "OLL001"
    with pytest.raises(NotSupported, match="OLL001"):
        OLLAMA.encode(FimRequest(model="auto", prompt="a", suffix=suffix), "qwen3:8b-cloud", at_home=True)


@pytest.mark.parametrize("model", ["qwen3:8b:local", "qwen3:8b"])
def test_the_answer_bears_the_models_own_name(model):
    reader = reader_of(OLLAMA, streamed=True)
    line = {"model": model, "message": {"content": "Hi"}, "done": False}
    (frame,) = reader.feed(orjson.dumps(line) + b"\n")
    assert frame.events == (Start("qwen3:8b"), Text("Hi"))
    assert frame.wire is None
    assert reader.quirks == []
