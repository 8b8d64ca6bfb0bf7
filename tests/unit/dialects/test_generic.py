"""Any OpenAI-compatible server: what it cannot be told is stated, and its `reasoning` is renamed."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import WEATHER, chunk, reader_of, request
from tests.support.strategies import MODERATE, json_values

from tidegate.codecs import sse
from tidegate.core.errors import BackendRefused, ClientMistake, GatewayError, NotSupported
from tidegate.core.events import Reasoning, Start, Text
from tidegate.dialects.generic import GENERIC, rename_reasoning

PREFIX = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The", "prefix": True}]


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = GENERIC.encode(request(**asked), "m")
    return orjson.loads(encoded.body), encoded.quirks


def test_a_plain_request_goes_out_as_it_came():
    assert sent() == ({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, ())


@pytest.mark.parametrize(
    "asked", [{"thinking": {"type": "disabled"}}, {"reasoning_effort": "low"}, {"thinking": {"type": "enabled"}}]
)
def test_the_thinking_switch_is_not_passed_on_and_that_is_stated(asked):
    body, quirks = sent(**asked)
    assert body.keys() == {"model", "messages"}
    assert quirks == ("GEN001",)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_tool_is_asked_for_by_schema_because_nobody_knows_whether_it_would_come(choice):
    body, quirks = sent(tools=[WEATHER], tool_choice=choice, thinking={"type": "disabled"})
    assert not {"tools", "tool_choice"} & body.keys()
    assert body["response_format"]["json_schema"]["schema"]["properties"]["name"] == {"const": "get_weather"}
    assert quirks == ("GEN006", "GEN001")


def test_tools_that_are_not_forced_pass():
    assert sent(tools=[WEATHER])[0]["tools"] == [WEATHER]


def test_a_prefix_is_refused_rather_than_answered_wrongly():
    with pytest.raises(NotSupported, match="GEN003"):
        sent(messages=PREFIX)


def test_a_trailing_assistant_message_without_the_flag_passes():
    body, quirks = sent(messages=[PREFIX[0], {"role": "assistant", "content": "The"}])
    assert body["messages"][-1] == {"role": "assistant", "content": "The"}
    assert quirks == ()


def test_what_no_local_runtime_needs_is_dropped():
    body, quirks = sent(user_id="u", frequency_penalty=1, presence_penalty=1)
    assert body.keys() == {"model", "messages"}
    assert quirks == ("REQ002", "REQ003")


def test_a_stream_always_reports_its_usage():
    body, quirks = sent(stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert quirks == ("REQ004",)


def test_an_unstreamed_request_stays_unstreamed():
    assert not GENERIC.encode(request(), "m").streamed


@pytest.mark.parametrize("side", ["delta", "message"])
def test_reasoning_is_renamed_in_chunks_and_in_whole_answers(side):
    fields = {"choices": [{side: {"reasoning": "I think", "content": None}}]}
    assert rename_reasoning(fields)
    assert fields == {"choices": [{side: {"reasoning_content": "I think", "content": None}}]}


@pytest.mark.parametrize(
    "said",
    [
        {"content": "Hello"},
        {"reasoning": None, "content": "Hello"},
        {"reasoning": "", "content": "Hello"},
        {"reasoning_content": "I think"},
        {"reasoning_content": "I think", "reasoning": "I think"},
    ],
)
def test_without_a_reasoning_to_rename_nothing_changes(said):
    fields = chunk(delta=dict(said))
    assert not rename_reasoning(fields)
    assert fields == chunk(delta=said)


def test_a_renamed_stream_says_so():
    reader = reader_of(GENERIC, streamed=True)
    (frame,) = reader.feed(sse.encode(orjson.dumps(chunk(delta={"reasoning": "I think"}))))
    assert frame.events == (Start("deepseek-flash", 1700000000, "fp_abc", "ID-1"), Reasoning("I think"))
    assert reader.quirks == ["GEN002"]


def test_a_renamed_answer_says_so():
    reader = reader_of(GENERIC, streamed=False)
    reader.feed(b'{"choices":[{"message":{"content":"Hi","reasoning":"I think"},"finish_reason":"stop"}]}')
    (frame,) = reader.close()
    assert frame.events[1:3] == (Reasoning("I think"), Text("Hi"))
    assert reader.quirks == ["GEN002"]


@pytest.mark.parametrize("choice", ["Hello", 5, None, ["delta"]])
def test_a_choice_that_is_no_object_breaks_the_contract_and_nothing_else(choice):
    with pytest.raises(GatewayError):
        reader_of(GENERIC, streamed=True).feed(sse.encode(orjson.dumps({"choices": [choice]})))


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "delta"]), json_values()), max_size=3))
@MODERATE
def test_no_stream_makes_the_reader_raise_anything_of_its_own(chunks):
    reader = reader_of(GENERIC, streamed=True)
    with contextlib.suppress(GatewayError):
        for one in chunks:
            reader.feed(sse.encode(orjson.dumps(one)))


def test_an_overflow_is_told_in_the_servers_words():
    message = "This model's maximum context length is 8192 tokens. However, you requested 12033 tokens."
    error = GENERIC.read_error(400, orjson.dumps({"error": {"message": message, "type": "BadRequestError"}}))
    assert (type(error), error.message) == (ClientMistake, message)


def test_an_unknown_model_is_the_operators_matter():
    body = orjson.dumps({"error": {"message": "The model `x` does not exist.", "type": "NotFoundError"}})
    assert type(GENERIC.read_error(404, body)) is BackendRefused
