"""A request's fields: what is accepted, and the hosted API's own words for what is not."""

from __future__ import annotations

import orjson
import pytest
from tests.support.samples import WEATHER, request, request_body, with_depth

from tidegate.codecs.openai_chat.request import (
    decode_request,
    dump_fields,
    encode_request,
    parse_json_object,
    request_fields,
)
from tidegate.core.errors import ClientMistake
from tidegate.core.requests import NamedTool, ToolSpec

SHAPE = "Failed to deserialize the JSON body into the target type: "
OFF = {"type": "disabled"}


def refused(body: bytes) -> str:
    with pytest.raises(ClientMistake) as caught:
        decode_request(body)
    return caught.value.message


def test_the_smallest_request_says_only_model_and_messages():
    assert request_fields(request()) == {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}


def test_every_field_of_the_contract_survives_both_ways():
    fields = orjson.loads(
        request_body(
            stream=True,
            stream_options={"include_usage": True},
            thinking=OFF,
            reasoning_effort="high",
            max_tokens=393216,
            temperature=2,
            top_p=1,
            stop=["a", "b"],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
            response_format={"type": "json_object"},
            logprobs=True,
            top_logprobs=20,
            user_id="u-1",
            seed=2**63 - 1,
            n=1,
            frequency_penalty=-2,
            presence_penalty=2,
        )
    )
    assert request_fields(decode_request(orjson.dumps(fields))) == fields


def test_what_the_contract_does_not_know_is_kept_aside():
    decoded = request(max_completion_tokens=5, fallbacks=["elsewhere"])
    assert decoded.extras == {"max_completion_tokens": 5, "fallbacks": ["elsewhere"]}
    assert orjson.loads(encode_request(decoded)) == orjson.loads(
        request_body(max_completion_tokens=5, fallbacks=["elsewhere"])
    )


def test_null_is_as_good_as_absent():
    names = (
        "stream stream_options thinking reasoning_effort max_tokens temperature top_p stop tools tool_choice n seed "
        "response_format logprobs top_logprobs user_id frequency_penalty presence_penalty"
    )
    nulls = dict.fromkeys(names.split())
    assert request(**nulls) == request()


def test_a_tool_becomes_a_spec():
    assert request(tools=[WEATHER]).tools == (
        ToolSpec("get_weather", "Get weather", WEATHER["function"]["parameters"], None),
    )


def test_a_single_stop_is_a_list_of_one():
    assert request(stop="\n").stop == ("\n",)


def test_stream_options_without_include_usage_say_no():
    assert request(stream=True, stream_options={}).include_usage is False
    assert request(stream=True).include_usage is None


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_a_choice_that_forces_nothing_goes_with_thinking(choice):
    assert request(tools=[WEATHER], tool_choice=choice).tool_choice == choice


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_choice_needs_thinking_switched_off(choice):
    assert (
        refused(request_body(tools=[WEATHER], tool_choice=choice)) == "Thinking mode does not support this tool_choice"
    )
    expected = choice if isinstance(choice, str) else NamedTool("get_weather")
    assert request(tools=[WEATHER], tool_choice=choice, thinking=OFF).tool_choice == expected
    assert request(tools=[WEATHER], tool_choice=choice, reasoning_effort="none").tool_choice == expected


def test_a_forced_choice_without_tools_is_let_through():
    assert request(tool_choice="required").tool_choice == "required"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": ...}, "missing field `model`"),
        ({"messages": ...}, "missing field `messages`"),
        ({"model": 5}, "model: expected a string"),
        ({"messages": "Hi"}, "messages: expected an array"),
        ({"stream": "yes"}, "stream: expected a boolean"),
        ({"stream": True, "stream_options": True}, "stream_options: expected an object"),
        (
            {"stream": True, "stream_options": {"include_usage": 1}},
            "stream_options.include_usage: expected a boolean",
        ),
        ({"thinking": False}, "thinking: expected an object"),
        ({"thinking": {}}, "thinking: missing field `type`"),
        (
            {"thinking": {"type": "on"}},
            "thinking.type: unknown variant, expected one of `enabled`, `disabled`, `adaptive`",
        ),
        (
            {"reasoning_effort": "huge"},
            "reasoning_effort: unknown variant, expected one of "
            "`none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, `ultra`",
        ),
        ({"max_tokens": 5.0}, "max_tokens: expected an integer"),
        ({"max_tokens": True}, "max_tokens: expected an integer"),
        ({"temperature": "hot"}, "temperature: expected a number"),
        ({"top_p": []}, "top_p: expected a number"),
        ({"stop": 5}, "stop: expected a string or an array of strings"),
        ({"stop": ["a", 5]}, "stop: expected a string or an array of strings"),
        ({"tools": WEATHER}, "tools: expected an array"),
        ({"tools": ["get_weather"]}, "tools[0]: expected an object"),
        ({"tools": [WEATHER, {"type": "web_search"}]}, "tools[1].type: unknown variant, expected `function`"),
        ({"tools": [{"type": "function"}]}, "tools[0]: missing field `function`"),
        ({"tools": [{"type": "function", "function": "f"}]}, "tools[0].function: expected an object"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters: expected an object",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "description": 1}}]},
            "tools[0].function.description: expected a string",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "strict": "yes"}}]},
            "tools[0].function.strict: expected a boolean",
        ),
        ({"tool_choice": "any"}, "tool_choice: expected `none`, `auto`, `required` or a named function"),
        ({"tool_choice": {"type": "function"}}, "tool_choice: expected `none`, `auto`, `required` or a named function"),
        ({"response_format": "json"}, "response_format: expected an object"),
        (
            {"response_format": {"type": "yaml"}},
            "response_format.type: unknown variant, expected one of `json_object`, `json_schema`, `regex`, `text`",
        ),
        ({"logprobs": 1}, "logprobs: expected a boolean"),
        ({"top_logprobs": "5", "logprobs": True}, "top_logprobs: expected an integer"),
        ({"user_id": 5}, "user_id: expected a string"),
        ({"seed": "x"}, "seed: expected an integer"),
        ({"frequency_penalty": {}}, "frequency_penalty: expected a number"),
        ({"presence_penalty": "x"}, "presence_penalty: expected a number"),
    ],
)
def test_a_field_of_the_wrong_shape_is_refused_by_its_name(fields, said):
    assert refused(request_body(**fields)) == SHAPE + said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_tokens": 0}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
        ({"max_tokens": 393217}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
        ({"temperature": 2.1}, "Invalid temperature value, the valid range of temperature is [0, 2]"),
        ({"top_p": 0}, "Invalid top_p value, the valid range of top_p is (0, 1.0]"),
        ({"top_p": 1.01}, "Invalid top_p value, the valid range of top_p is (0, 1.0]"),
        ({"seed": -1}, "Invalid seed value, the valid range of seed is [0, 2^63)"),
        ({"seed": 2**63}, "Invalid seed value, the valid range of seed is [0, 2^63)"),
        (
            {"frequency_penalty": -2.1},
            "Invalid frequency_penalty value, the valid range of frequency_penalty is [-2, 2]",
        ),
        ({"presence_penalty": 3}, "Invalid presence_penalty value, the valid range of presence_penalty is [-2, 2]"),
        (
            {"logprobs": True, "top_logprobs": 21},
            "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20].",
        ),
        (
            {"top_logprobs": 5},
            "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used.",
        ),
        ({"stop": ["x"] * 17}, "Stop string array too long: 17"),
        (
            {"stop": ""},
            "Invalid 'stop': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        ),
        (
            {"stop": ["a", ""]},
            "Invalid 'stop[1]': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        ),
        ({"stream_options": {}}, "stream_options should be set along with stream = true"),
        (
            {"stream": False, "stream_options": {"include_usage": True}},
            "stream_options should be set along with stream = true",
        ),
        ({"messages": []}, "Empty input messages"),
        ({"tools": [WEATHER, WEATHER]}, "Tool names must be unique."),
        ({"tools": [WEATHER] * 129}, "Invalid 'tools': array too long. Expected at most 128 tools."),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "zz"}}, "thinking": OFF},
            "Invalid value for 'tool_choice': it names a function that the 'tools' parameter does not.",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_the_hosted_words(fields, said):
    assert refused(request_body(**fields)) == said


@pytest.mark.parametrize("n", [2, 0, "1", True, 1.5, [1]])
def test_more_or_less_than_one_answer_is_refused(n):
    assert refused(request_body(n=n)) == "Invalid n value (currently only n = 1 is supported)"


@pytest.mark.parametrize("name", ["", "get weather", "get.weather", "wetter_für", "²", None])
def test_a_tools_name_is_made_of_plain_characters(name):
    tool = {"type": "function", "function": {"name": name}}
    assert refused(request_body(tools=[tool])) == (
        "Invalid 'tools[0].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    )


def test_a_tools_name_has_at_most_128_characters():
    def tool(length: int) -> dict:
        return {"type": "function", "function": {"name": "a" * length}}

    assert request(tools=[tool(128)]).tools[0].name == "a" * 128
    assert refused(request_body(tools=[tool(129)])) == (
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 128, "
        "but got a string with length 129 instead."
    )


@pytest.mark.parametrize("name", ["_", "-", "get-weather_2", "A"])
def test_dashes_and_underscores_are_plain_characters(name):
    assert request(tools=[{"type": "function", "function": {"name": name}}]).tools == (ToolSpec(name),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"model": "a",}',
        b'{"model": "\xff"}',
        rb'{"model": "\ud800"}',
        rb'{"model": "\udc00 and more"}',
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"[" * 20_000 + b"]" * 20_000,
    ],
    ids=["empty", "cut", "word", "comma", "not-utf8", "high-surrogate", "low-surrogate", "deep-objects", "deep-arrays"],
)
def test_what_is_no_json_is_the_clients_mistake(body):
    message = refused(body)
    assert message.startswith("Failed to parse the request body as JSON: ")
    assert len(message) < 200


def test_a_parse_error_quotes_nothing_of_the_body():
    assert "CANARY" not in refused(b'{"model": CANARY}')


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null"])
def test_json_that_is_no_object_is_refused(body):
    with pytest.raises(ClientMistake) as caught:
        parse_json_object(body)
    assert caught.value.message == f"{SHAPE}the body must be a JSON object"


def test_of_a_repeated_field_the_last_one_counts():
    assert decode_request(b'{"model":"a","model":"b","messages":[{"role":"user","content":"Hi"}]}').model == "b"


DEEP_FIELDS = {
    "extras": {"metadata": "DEEP"},
    "parameters": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": "DEEP"}}}]},
    "response_format": {"response_format": {"type": "json_schema", "json_schema": "DEEP"}},
    "part": {"messages": [{"role": "user", "content": [{"type": "file", "file": "DEEP"}]}]},
}


@pytest.mark.parametrize("fields", DEEP_FIELDS.values(), ids=DEEP_FIELDS)
def test_what_can_be_read_but_not_written_is_the_clients_mistake(fields):
    decoded = decode_request(with_depth(request_body(**fields), 500))
    with pytest.raises(ClientMistake, match="nested too deeply"):
        encode_request(decoded)


@pytest.mark.parametrize("fields", DEEP_FIELDS.values(), ids=DEEP_FIELDS)
def test_two_hundred_levels_are_passed_on(fields):
    body = with_depth(request_body(**fields), 200)
    assert decode_request(encode_request(decode_request(body))) == decode_request(body)


def test_fields_that_json_cannot_hold_are_the_clients_mistake():
    with pytest.raises(ClientMistake, match="nested too deeply"):
        dump_fields({"metadata": object()})
