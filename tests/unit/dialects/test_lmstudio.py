"""LM Studio: each quirk with the bytes it changes, and its errors in the contract's words. Declared, not recorded."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, chunk, reader_of, request

from tidegate.codecs import sse
from tidegate.core.errors import BackendFailed, BackendRefused, BrokenContract, ClientMistake, NotSupported
from tidegate.core.events import Reasoning, Text
from tidegate.core.requests import FimRequest
from tidegate.dialects.lmstudio import LMSTUDIO

OFF = {"type": "disabled"}
USER = {"role": "user", "content": "Hi"}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = LMSTUDIO.encode(request(**asked), "m")
    return orjson.loads(encoded.body), encoded.quirks


def test_the_whole_of_a_plain_request():
    assert sent() == (
        {
            "model": "m",
            "messages": [USER],
            "reasoning_effort": "high",
            "max_tokens": 65536,
            "temperature": 1,
            "top_p": 1,
        },
        ("LMS001", "LMS003"),
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "high"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, "high"),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "low"}, "low"),
        ({"reasoning_effort": "medium"}, "high"),
        ({"reasoning_effort": "xhigh"}, "high"),
        ({"reasoning_effort": "max"}, "high"),
        ({"reasoning_effort": "none"}, "none"),
        ({"thinking": OFF}, "none"),
        ({"thinking": OFF, "reasoning_effort": "max"}, "none"),
    ],
)
def test_thinking_is_always_told_and_said_to_be_uncertain(asked, told):
    body, quirks = sent(**asked)
    assert body["reasoning_effort"] == told
    assert "thinking" not in body
    assert "LMS001" in quirks


def test_the_clients_sampling_and_length_hold_without_thinking():
    body, quirks = sent(thinking=OFF, temperature=0.1, top_p=0.2, max_tokens=7)
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.1, 0.2, 7)
    assert quirks == ("LMS001",)


def test_json_object_is_sent_as_the_schema_of_any_object():
    body, quirks = sent(response_format={"type": "json_object"})
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "object", "strict": True, "schema": {"type": "object"}},
    }
    assert "LMS004" in quirks


def test_a_schema_passes_and_is_said_to_turn_thinking_off():
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    body, quirks = sent(response_format=schema)
    assert body["response_format"] == schema
    assert "LMS004" in quirks


@pytest.mark.parametrize("asked", [{}, {"response_format": {"type": "text"}}])
def test_plain_text_is_no_quirk(asked):
    body, quirks = sent(**asked)
    assert body.get("response_format") == asked.get("response_format")
    assert "LMS004" not in quirks


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("prefix", {"messages": [USER, {"role": "assistant", "content": "The", "prefix": True}]}),
        ("logprobs", {"logprobs": True}),
        ("response_format regex", {"response_format": {"type": "regex", "regex": "a"}}),
    ],
)
def test_what_it_cannot_do_is_refused_so_that_another_may_do_it(field, asked):
    with pytest.raises(NotSupported, match=f"^{field} is not supported by this backend, see LMS005"):
        sent(**asked)


def test_fill_in_the_middle_is_refused():
    with pytest.raises(NotSupported, match="REQ006"):
        LMSTUDIO.encode(FimRequest(model="auto", prompt="a", suffix="b"), "m")


@pytest.mark.parametrize(
    ("choice", "shapes"), [("required", 2), ({"type": "function", "function": {"name": "get_weather"}}, 1)]
)
def test_a_forced_tool_is_asked_for_by_schema(choice, shapes):
    body, quirks = sent(tools=[TIME, WEATHER], tool_choice=choice, thinking=OFF)
    assert not {"tools", "tool_choice"} & body.keys()
    schema = body["response_format"]["json_schema"]["schema"]
    assert len(schema.get("anyOf", [schema])) == shapes
    assert {"LMS004", "LMS006"} <= set(quirks)


@pytest.mark.parametrize("asked", [{}, {"tools": [WEATHER]}, {"tools": [WEATHER], "tool_choice": "auto"}])
def test_a_choice_that_forces_nothing_is_no_quirk(asked):
    assert "LMS006" not in sent(**asked)[1]


def test_what_no_local_runtime_needs_is_dropped_and_usage_is_asked_for():
    body, quirks = sent(user_id="u", frequency_penalty=1, stream=True)
    assert not {"user_id", "frequency_penalty"} & body.keys()
    assert body["stream_options"] == {"include_usage": True}
    assert {"REQ002", "REQ003", "REQ004"} <= set(quirks)


# -- answers -----------------------------------------------------------------------------------------------------------


def whole(**fields: Any) -> Any:
    reader = reader_of(LMSTUDIO, streamed=False)
    reader.feed(orjson.dumps(fields))
    return reader


def test_reasoning_of_gpt_oss_is_renamed():
    message = {"role": "assistant", "content": "Paris.", "reasoning": "One word."}
    reader = whole(model="m", choices=[{"message": message, "finish_reason": "stop"}])
    (frame,) = reader.close()
    assert frame.events[1:3] == (Reasoning("One word."), Text("Paris."))
    assert reader.quirks == ["LMS002"]


def test_an_answer_of_another_model_is_refused_whole_too():
    choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    with pytest.raises(BrokenContract, match="LMS007"):
        whole(model="other", choices=[choice]).close()


def test_a_model_of_another_stream_is_refused_before_it_begins():
    reader = reader_of(LMSTUDIO, streamed=True)
    with pytest.raises(BrokenContract, match="LMS007"):
        reader.feed(sse.encode(orjson.dumps(chunk(delta={"role": "assistant"}))))


# -- errors ------------------------------------------------------------------------------------------------------------

OVERFLOW = (
    "This model's maximum context length is 32768 tokens. However, you requested 111490 tokens in the messages. "
    "Please reduce the length of the messages."
)
KEEP = (
    "Trying to keep the first 111490 tokens when context the overflows. However, the model is loaded with context "
    "length of only 32768 tokens, which is not enough. Try to load the model with a larger context length, or provide a "
    "shorter input"
)


@pytest.mark.parametrize(
    "body", [{"error": KEEP}, {"error": {"message": KEEP, "type": "x", "param": None, "code": None}}]
)
def test_an_overflow_is_told_in_the_contracts_words_whatever_the_shape(body):
    told = LMSTUDIO.read_error(400, orjson.dumps(body))
    assert (type(told), told.message) == (ClientMistake, OVERFLOW)


def test_an_overflow_inside_a_whole_200_is_the_same_mistake():
    with pytest.raises(ClientMistake) as raised:
        whole(error=KEEP).close()
    assert raised.value.message == OVERFLOW


def test_no_loaded_model_is_the_operators_matter():
    body = {"error": "No models loaded. Please load a model in the developer page or use the 'lms load' command."}
    told = LMSTUDIO.read_error(404, orjson.dumps(body))
    assert (type(told), told.message) == (BackendRefused, "the backend has no model loaded; load one in LM Studio")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"error": {"message": 'Model "x" not found.', "code": "model_not_found"}}, BackendRefused),
        (400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}, ClientMistake),
        (401, {"error": "an API token is needed"}, BackendRefused),
        (500, {}, BackendFailed),
    ],
)
def test_any_other_error_means_what_its_status_says_and_its_text_stays_away(status, body, error):
    told = LMSTUDIO.read_error(status, orjson.dumps(body))
    assert type(told) is error
    assert "not found" not in told.message
    assert "json_schema" not in told.message
