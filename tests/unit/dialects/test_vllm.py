"""vLLM: each quirk where it applies and where it does not."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from tests.support.samples import WEATHER, chunk, reader_of, request

from tidegate.core.errors import BrokenContract, NotSupported
from tidegate.core.events import Finish, Reasoning, Text
from tidegate.core.profile import Traits
from tidegate.dialects.vllm import VLLM

OFF = {"type": "disabled"}
BOTH_ON = {"thinking": True, "enable_thinking": True}
BOTH_OFF = {"thinking": False, "enable_thinking": False}


def sent(**asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = VLLM.encode(request(**asked), "m")
    assert encoded.streamed
    return orjson.loads(encoded.body), encoded.quirks


def read(*chunks: dict[str, Any], **asked: Any) -> tuple[list[Any], list[str]]:
    """What these chunks and the stream's end mean as the answer to this request."""
    reader = VLLM.reader(VLLM.encode(request(stream=True, **asked), "m"), got_stream=True)
    body = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"
    return [event for frame in reader.feed(body) for event in frame.events][1:-1], reader.quirks


def test_the_whole_of_a_plain_request():
    body, quirks = sent()
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": BOTH_ON,
        "reasoning_effort": "high",
        "temperature": 1,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "repetition_penalty": 1,
    }
    assert quirks == ("VLL001", "VLL002", "VLL003", "VLL004", "REQ004")


def test_a_stream_is_always_asked_for_and_it_is_a_quirk_if_the_client_did_not():
    assert "VLL001" in sent()[1]
    assert "VLL001" not in sent(stream=True)[1]


@pytest.mark.parametrize(
    ("asked", "kwargs", "effort"),
    [
        ({}, BOTH_ON, "high"),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}, BOTH_ON, "low"),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "none"}, BOTH_ON, "high"),
        ({"reasoning_effort": "minimal"}, BOTH_ON, "low"),
        ({"reasoning_effort": "medium"}, BOTH_ON, "high"),
        ({"reasoning_effort": "xhigh"}, BOTH_ON, "high"),
        ({"reasoning_effort": "max"}, BOTH_ON, "max"),
        ({"reasoning_effort": "ultra"}, BOTH_ON, "max"),
        ({"reasoning_effort": "none"}, BOTH_OFF, None),
        ({"thinking": OFF}, BOTH_OFF, None),
        ({"thinking": OFF, "reasoning_effort": "max"}, BOTH_OFF, None),
    ],
)
def test_thinking_is_switched_by_both_names_and_effort_never_stands_beside_a_switch_that_is_off(asked, kwargs, effort):
    body, quirks = sent(**asked)
    assert body["chat_template_kwargs"] == kwargs
    assert body.get("reasoning_effort") == effort
    assert "thinking" not in body
    assert "VLL002" in quirks


def test_thinking_forces_the_contracts_sampling_and_without_it_the_clients_holds():
    body, _ = sent(temperature=0.1, top_p=0.2)
    assert (body["temperature"], body["top_p"]) == (1, 1)
    body, _ = sent(temperature=0.1, top_p=0.2, thinking=OFF)
    assert (body["temperature"], body["top_p"], body["top_k"], body["min_p"]) == (0.1, 0.2, 0, 0)
    body, _ = sent(thinking=OFF)
    assert (body["temperature"], body["top_p"]) == (1, 1)


def test_a_missing_length_stays_missing_and_the_clients_holds():
    body, quirks = sent()
    assert "max_tokens" not in body
    assert "VLL004" in quirks
    body, quirks = sent(max_tokens=7)
    assert body["max_tokens"] == 7
    assert "VLL004" not in quirks


def test_a_prefix_is_refused_and_another_candidate_may_have_it():
    with pytest.raises(NotSupported, match="VLL005"):
        sent(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The", "prefix": True}])
    assert "VLL005" not in sent(messages=[{"role": "assistant", "content": "The"}])[1]


def test_a_continuation_that_the_parser_took_for_a_thought_is_the_answer():
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sky", "prefix": True}]
    fitted = VLLM.fitted(Traits(continues=True))
    reader = fitted.reader(fitted.encode(request(messages=messages, stream=True), "m"), got_stream=True)
    spoken = chunk(delta={"reasoning": " is blue"}, finish_reason="stop")
    frames = reader.feed(b"data: " + orjson.dumps(spoken) + b"\n\ndata: [DONE]\n\n")
    assert [event for frame in frames for event in frame.events][1:-1] == [Text(" is blue"), Finish("stop")]
    assert "VLL007" in reader.quirks


def test_reasoning_of_earlier_turns_is_sent_as_it_came():
    turn = {"role": "assistant", "content": "Hello", "reasoning_content": "R"}
    body, _ = sent(messages=[{"role": "user", "content": "Hi"}, turn, {"role": "user", "content": "And?"}])
    assert body["messages"][1] == turn


def test_an_empty_list_of_tools_and_a_choice_without_tools_are_not_sent():
    body, quirks = sent(tools=[], tool_choice="auto")
    assert not {"tools", "tool_choice"} & body.keys()
    assert "VLL011" in quirks
    body, quirks = sent(tools=[WEATHER], tool_choice="required", thinking=OFF)
    assert body["tool_choice"] == "required"
    assert "VLL011" not in quirks


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_forced_tools_are_strict(choice):
    body, quirks = sent(tools=[WEATHER], tool_choice=choice, thinking=OFF)
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    assert (body["tools"], body["tool_choice"]) == ([strict], choice)
    assert "VLL014" in quirks
    assert "VLL014" not in sent(tools=[strict], tool_choice=choice, thinking=OFF)[1]


@pytest.mark.parametrize("choice", [..., "auto", "none"])
def test_tools_that_are_not_forced_stay_as_they_are(choice):
    body, quirks = sent(tools=[WEATHER], tool_choice=choice)
    assert body["tools"] == [WEATHER]
    assert "VLL014" not in quirks


def test_json_mode_is_said_to_hold_by_grammar_only():
    body, quirks = sent(response_format={"type": "json_object"})
    assert body["response_format"] == {"type": "json_object"}
    assert "VLL012" in quirks
    assert "VLL012" not in sent(response_format={"type": "text"})[1]


def test_what_no_local_runtime_needs_is_dropped():
    body, quirks = sent(user_id="u", frequency_penalty=1, presence_penalty=1)
    assert not {"user_id", "frequency_penalty", "presence_penalty", "thinking"} & body.keys()
    assert {"REQ002", "REQ003"} <= set(quirks)


END = chunk(delta={}, finish_reason="stop")


def test_reasoning_is_renamed_with_its_logprobs():
    tokens = [{"token": "a", "logprob": -1}]
    events, quirks = read(chunk(delta={"reasoning": "a"}, logprobs={"content": tokens}), END)
    assert events == [Reasoning("a", tuple(tokens)), Finish("stop")]
    assert quirks == ["VLL006"]
    assert read(chunk(delta={"content": "a"}, logprobs={"content": tokens}), END) == (
        [Text("a", tuple(tokens)), Finish("stop")],
        [],
    )


def test_an_answer_in_the_reasoning_is_moved_only_if_thinking_was_off():
    said = chunk(delta={"reasoning": "Hi"})
    assert read(said, END, thinking=OFF) == ([Text("Hi"), Finish("stop")], ["VLL006", "VLL007"])
    assert read(said, END) == ([Reasoning("Hi"), Finish("stop")], ["VLL006"])
    assert read(said, chunk(), END, thinking=OFF)[0] == [Reasoning("Hi"), Text("Hel"), Finish("stop")]


def test_inline_reasoning_is_split_off():
    said = [chunk(delta={"content": piece}) for piece in ("<thi", "nk>a</think>", "\n\nb")]
    assert read(*said, END) == ([Reasoning("a"), Text("b"), Finish("stop")], ["VLL008"])


def test_a_call_that_was_demanded_by_name_ends_with_tool_calls():
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":""}'}}
    named = {"type": "function", "function": {"name": "get_weather"}}
    asked = {"tools": [WEATHER], "thinking": OFF}
    events, quirks = read(chunk(delta={"tool_calls": [call]}), END, tool_choice=named, **asked)
    assert (events[-1], quirks) == (Finish("tool_calls"), ["VLL010"])
    events, quirks = read(chunk(delta={"tool_calls": [call]}), END, **asked)
    assert (events[-1], quirks) == (Finish("stop"), [])


@pytest.mark.parametrize(
    ("details", "quirks"),
    [(None, ["VLL013"]), ({}, ["VLL013"]), ({"cached_tokens": 0}, []), ({"cached_tokens": 5}, [])],
)
def test_a_cache_that_is_not_reported_is_unknown(details, quirks):
    usage = {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8, "prompt_tokens_details": details}
    events, applied = read(chunk(), END, {"choices": [], "usage": usage})
    assert events[-1].usage.cache_hit == (details or {}).get("cached_tokens")
    assert applied == quirks


CUT = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


@pytest.mark.parametrize("arguments", ["{}", ""])
def test_a_whole_answer_that_may_hold_a_cut_call_is_refused(arguments):
    """The body that 0.32.0 answers unstreamed to a call cut by max_tokens; here something had buffered the stream."""
    call = {**CUT, "function": {"name": "get_weather", "arguments": arguments}}
    with pytest.raises(BrokenContract, match="cut"):
        whole_answer({"role": "assistant", "content": None, "tool_calls": [call], "reasoning": "I should call."})


def test_a_whole_answer_with_a_full_call_is_read():
    call = {**CUT, "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    frames, quirks = whole_answer({"content": None, "tool_calls": [call], "reasoning": "R"})
    assert [event for frame in frames for event in frame.events][-2] == Finish("tool_calls")
    assert quirks == ["VLL006"]


def whole_answer(message: dict[str, Any]) -> tuple[list[Any], list[str]]:
    reader = VLLM.reader(VLLM.encode(request(tools=[WEATHER]), "m"), got_stream=False)
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    reader.feed(json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode())
    return reader.close(), reader.quirks


def test_it_is_not_transparent():
    assert not VLLM.transparent
    assert reader_of(VLLM, streamed=True).quirks == []


WHOLE_IN_REASONING = {
    "id": "1",
    "model": "m",
    "created": 1,
    "choices": [{"index": 0, "message": {"content": None, "reasoning": "Hi."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 3},
}


def test_an_answer_that_came_as_reasoning_is_the_same_streamed_and_whole():
    """`r1-no-closing-tag` of 0.32.0: content null, all in `reasoning`, although thinking was off."""
    pieces = [chunk(delta={"reasoning": "Hi"}), chunk(delta={"reasoning": "."}), chunk(delta={}, finish_reason="stop")]
    streamed, quirks = read(*pieces, thinking=OFF)
    assert streamed == [Text("Hi"), Text("."), Finish("stop")]
    reader = VLLM.reader(VLLM.encode(request(thinking=OFF), "m"), got_stream=False)
    reader.feed(orjson.dumps(WHOLE_IN_REASONING))
    (frame,) = reader.close()
    assert [event for event in frame.events if isinstance(event, Text | Reasoning)] == [Text("Hi.")]
    assert set(reader.quirks) == {*quirks, "VLL013"}
