"""SGLang: each quirk where it applies and where it does not, and its flat errors in the contract's words.

Declared: bodies and texts are those of the source of 0.5.23, 2026-11-24; none was recorded.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, chunk, reader_of, request

from tidegate.core.errors import BackendFailed, BackendOverloaded, BackendRefused, ClientMistake, NotSupported
from tidegate.core.events import Finish, Reasoning, Text
from tidegate.core.requests import FimRequest
from tidegate.dialects.sglang import SGLANG

OFF = {"type": "disabled"}
USER = {"role": "user", "content": "Hi"}


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = SGLANG.encode(request(**asked), "m")
    return orjson.loads(encoded.body), encoded.quirks


def read(*chunks: dict[str, Any], **asked: Any) -> tuple[list[Any], list[str]]:
    reader = SGLANG.reader(SGLANG.encode(request(stream=True, **asked), "m"), got_stream=True)
    body = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"
    return [event for frame in reader.feed(body) for event in frame.events][1:-1], reader.quirks


def test_the_whole_of_a_plain_request():
    body, quirks = sent()
    assert body == {
        "model": "m",
        "messages": [USER],
        "chat_template_kwargs": {"thinking": True, "enable_thinking": True},
        "reasoning_effort": "high",
        "temperature": 1,
        "top_p": 1,
        "top_k": -1,
        "min_p": 0,
        "repetition_penalty": 1,
    }
    assert quirks == ("SGL009", "SGL001", "SGL002", "SGL003")


def test_a_stream_is_asked_for_with_usage_and_only_if_the_client_wants_one():
    assert not SGLANG.encode(request(), "m").streamed
    body, _ = sent(stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("asked", "on", "effort"),
    [
        ({}, True, "high"),
        ({"reasoning_effort": "medium"}, True, "high"),
        ({"reasoning_effort": "max"}, True, "max"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, True, "high"),
        ({"reasoning_effort": "none"}, False, None),
        ({"thinking": OFF, "reasoning_effort": "max"}, False, None),
    ],
)
def test_thinking_is_always_switched_and_effort_never_stands_beside_a_switch_that_is_off(asked, on, effort):
    body, quirks = sent(**asked)
    assert body["chat_template_kwargs"] == {"thinking": on, "enable_thinking": on}
    assert body.get("reasoning_effort") == effort
    assert "thinking" not in body
    assert "SGL001" in quirks


def test_thinking_forces_the_contracts_sampling_and_without_it_the_clients_holds():
    body, _ = sent(temperature=0.1, top_p=0.2)
    assert (body["temperature"], body["top_p"]) == (1, 1)
    body, _ = sent(temperature=0.1, top_p=0.2, thinking=OFF)
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.1, 0.2, -1)


def test_a_missing_length_stays_missing_and_the_clients_holds():
    assert "max_tokens" not in sent()[0]
    body, quirks = sent(max_tokens=7)
    assert body["max_tokens"] == 7
    assert "SGL003" not in quirks


def test_a_prefix_is_continued_and_loses_its_flag():
    prefix = {"role": "assistant", "content": "The", "reasoning_content": "R", "prefix": True}
    body, quirks = sent(messages=[USER, prefix])
    assert body["messages"][-1] == {"role": "assistant", "content": "The", "reasoning_content": "R"}
    assert body["continue_final_message"] is True
    assert "SGL004" in quirks


def test_a_trailing_turn_that_is_no_prefix_is_not_continued():
    body, quirks = sent(messages=[USER, {"role": "assistant", "content": "The"}])
    assert "continue_final_message" not in body
    assert "SGL004" not in quirks


def test_a_prefix_of_several_parts_is_refused_and_another_candidate_may_have_it():
    parts = [{"type": "text", "text": "The"}, {"type": "text", "text": "end"}]
    with pytest.raises(NotSupported, match="SGL005"):
        sent(messages=[USER, {"role": "assistant", "content": parts, "prefix": True}])


def test_a_suffix_is_refused_for_without_a_template_the_server_drops_it():
    with pytest.raises(NotSupported, match="REQ006"):
        SGLANG.encode(FimRequest(model="m", prompt="def f():", suffix="x"), "m")


def test_a_choice_without_tools_is_not_sent():
    body, quirks = sent(tool_choice="auto")
    assert "tool_choice" not in body
    assert "SGL008" in quirks
    assert sent(tools=[WEATHER], tool_choice="auto")[0]["tool_choice"] == "auto"


def test_what_no_local_runtime_needs_is_dropped():
    body, quirks = sent(user_id="u", frequency_penalty=1, presence_penalty=1)
    assert not {"user_id", "frequency_penalty", "presence_penalty", "thinking"} & body.keys()
    assert {"REQ002", "REQ003"} <= set(quirks)


END = chunk(delta={"reasoning_content": None}, finish_reason="stop")


def test_an_answer_in_the_reasoning_is_moved_only_if_thinking_was_off():
    said = chunk(delta={"reasoning_content": "Hi"})
    assert read(said, END, thinking=OFF) == ([Text("Hi"), Finish("stop")], ["SGL006"])
    assert read(said, END) == ([Reasoning("Hi"), Finish("stop")], [])


def test_inline_reasoning_is_split_off():
    said = [chunk(delta={"content": piece, "reasoning_content": None}) for piece in ("<think>a</th", "ink>\nb")]
    assert read(*said, END) == ([Reasoning("a"), Text("b"), Finish("stop")], ["SGL007"])


@pytest.mark.parametrize(("details", "quirks"), [(None, ["SGL010"]), ({"cached_tokens": 0}, [])])
def test_a_cache_that_is_not_reported_is_unknown(details, quirks):
    usage = {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8, "prompt_tokens_details": details}
    events, applied = read(chunk(), END, {"choices": [], "usage": usage})
    assert events[-1].usage.cache_hit == (details or {}).get("cached_tokens")
    assert applied == quirks


def test_an_abort_is_told_in_the_contracts_word():
    assert read(chunk(delta={}, finish_reason="abort")) == ([Finish("insufficient_system_resource")], ["SGL011"])
    assert read(chunk(delta={"content": "a"}, finish_reason="length")) == ([Text("a"), Finish("length")], [])


def test_it_is_not_transparent():
    assert not SGLANG.transparent
    assert reader_of(SGLANG, streamed=False).quirks == []


def told(status: int, message: str, kind: str = "BadRequest") -> Any:
    flat = {"object": "error", "message": message, "type": kind, "param": None, "code": status}
    return SGLANG.read_error(status, orjson.dumps(flat))


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages. "
            "Please reduce the length of the messages.",
        ),
        (
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 8100 "
            "tokens: 100 tokens from the input messages and 8000 tokens for the completion. Please reduce the number of "
            "tokens in the input messages or the completion to fit within the limit.",
            "This model's maximum context length is 4096 tokens. However, you requested 8100 tokens (100 in the messages, "
            "8000 in the completion). Please reduce the length of the messages or completion.",
        ),
    ],
)
def test_an_overflow_is_told_in_the_contracts_words(message, says):
    error = told(400, message)
    assert (type(error), error.message) == (ClientMistake, says)


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "1 validation error: {'loc': 'messages', 'input': 'secret'}", ClientMistake),
        (500, "Internal server error: secret", BackendFailed),
        (503, "The request queue is full.", BackendOverloaded),
    ],
)
def test_any_other_error_means_what_its_status_says_and_its_text_stays_away(status, message, error):
    found = told(status, message)
    assert type(found) is error
    assert "secret" not in found.message


def test_a_refused_key_is_the_backends_fault():
    assert type(SGLANG.read_error(401, b'{"error":"Unauthorized"}')) is BackendRefused
