"""A request's shape: what is read of it, and the hosted parser's own words and places for what does not fit."""

from __future__ import annotations

import re

import orjson
import pytest
from tests.support.samples import WEATHER, request, request_body, with_depth

from tidegate.catalog.contracts import contract_named
from tidegate.codecs.openai_chat.request import decode_request, encode_request, request_fields
from tidegate.core.errors import BrokenJson, ClientMistake, WrongShape
from tidegate.core.requests import ToolSpec

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


EFFORTS = "`none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `ultra`, `max`"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": 5}, "model: invalid type: integer `5`, expected a string"),
        ({"messages": "secret"}, "messages: invalid type: string, expected a sequence"),
        ({"stream": "secret"}, "stream: invalid type: string, expected a boolean"),
        (
            {"stream_options": True},
            "stream_options: invalid type: boolean `true`, expected struct ChatCompletionStreamOptions",
        ),
        (
            {"stream_options": {"include_usage": 1}},
            "stream_options.include_usage: invalid type: integer `1`, expected a boolean",
        ),
        ({"stream_options": [1]}, "stream_options[0]: invalid type: integer `1`, expected a boolean"),
        ({"thinking": False}, "thinking: invalid type: boolean `false`, expected struct ChatCompletionThinking"),
        ({"thinking": {}}, "thinking: missing field `type`"),
        (
            {"thinking": {"type": "on"}},
            "thinking.type: unknown variant `on`, expected one of `adaptive`, `enabled`, `disabled`",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": -1}},
            "thinking.budget_tokens: invalid value: integer `-1`, expected u64",
        ),
        (
            {"thinking": ["enabled"]},
            "thinking: invalid length 1, expected struct ChatCompletionThinking with 2 elements",
        ),
        ({"reasoning_effort": "huge"}, f"reasoning_effort: unknown variant `huge`, expected one of {EFFORTS}"),
        ({"reasoning_effort": {}}, "reasoning_effort: invalid value: map, expected map with a single key"),
        ({"reasoning_effort": {"low": 5}}, "reasoning_effort.low: invalid type: integer `5`, expected unit"),
        ({"max_tokens": 5.0}, "max_tokens: invalid type: floating point `5.0`, expected u32"),
        ({"max_tokens": True}, "max_tokens: invalid type: boolean `true`, expected u32"),
        ({"max_tokens": 2**32}, "max_tokens: invalid value: integer `4294967296`, expected u32"),
        ({"temperature": "secret"}, "temperature: invalid type: string, expected f32"),
        ({"top_p": []}, "top_p: invalid type: sequence, expected f32"),
        ({"stop": 5}, "stop: expected a string or a list"),
        ({"stop": ["a", 5]}, "stop[1]: invalid type: integer `5`, expected a string"),
        ({"logprobs": 1}, "logprobs: invalid type: integer `1`, expected a boolean"),
        ({"top_logprobs": 256}, "top_logprobs: invalid value: integer `256`, expected u8"),
        ({"seed": -1}, "seed: invalid value: integer `-1`, expected u64"),
        ({"n": 1.5}, "n: invalid type: floating point `1.5`, expected u8"),
        ({"frequency_penalty": {}}, "frequency_penalty: invalid type: map, expected f32"),
        ({"presence_penalty": "secret"}, "presence_penalty: invalid type: string, expected f32"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls: invalid type: integer `1`, expected a boolean"),
        ({"tools": {}}, "tools: invalid type: map, expected a sequence"),
        ({"messages": [{"role": "user"}]}, "messages[0]: missing field `content`"),
    ],
)
def test_a_field_of_the_wrong_shape_is_refused_by_its_name(fields, said):
    message = refused(request_body(**fields))
    assert re.fullmatch(re.escape(SHAPE + said) + r" at line 1 column \d+", message), message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "missing field `messages` at line 1 column 2"),
        (b'{"messages":[]}', "missing field `model` at line 1 column 15"),
        (b'{"model":"m"}\n', "missing field `messages` at line 1 column 13"),
        (b'{"model":null,"messages":[]}', "model: invalid type: null, expected a string at line 1 column 13"),
        (b'{\n "model": [1],\n"messages":[]}', "model: invalid type: sequence, expected a string at line 2 column 10"),
        (
            b'{"model":"m","messages":[{"role":"developer","content":"Hi"}]}',
            "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`, "
            "`latest_reminder` at line 1 column 44",
        ),
        (b"[]", "invalid length 0, expected struct ChatCompletionRequest with 20 elements at line 1 column 2"),
        (b"5", "invalid type: integer `5`, expected struct ChatCompletionRequest at line 1 column 1"),
        (b"[[],7]", "[1]: invalid type: integer `7`, expected a string at line 1 column 5"),
        (b'[[],"m"' + b",null" * 19 + b"]", "invalid length 21, expected fewer elements in array at line 1 column 103"),
    ],
)
def test_the_place_is_named_by_line_and_column(body, said):
    assert refused(body) == SHAPE + said


def test_the_first_misfit_of_the_document_wins():
    first, second = b'"temperature":"a"', b'"messages":5'
    assert "temperature" in refused(b"{" + first + b"," + second + b"}")
    assert "messages" in refused(b"{" + second + b"," + first + b"}")


def test_a_clients_words_are_repeated_only_to_itself():
    body = request_body(stream="the plan is 1234")
    assert "1234" not in refused(body)
    with pytest.raises(WrongShape, match='invalid type: string "the plan is 1234", expected a boolean'):
        decode_request(body, quoting=True)


def test_an_effort_that_a_contract_does_not_know_is_refused():
    body = request_body(reasoning_effort="ultra")
    assert decode_request(body, contract_named("2026-08-ga")).effort == "ultra"
    with pytest.raises(WrongShape, match="expected one of `minimal`, `low`, `medium`, `high`, `xhigh`, `max` at"):
        decode_request(body, contract_named("2026-04-preview"))


def test_a_request_may_be_an_array_of_its_members():
    fields = [[{"role": "user", "content": "Hi"}], "m", *[None] * 18]
    assert decode_request(orjson.dumps(fields)) == request(model="m")


@pytest.mark.parametrize("user_id", [5, True, [], {}, 1.5])
def test_a_user_id_that_is_no_text_is_ignored(user_id):
    assert request(user_id=user_id) == request()


def test_an_empty_stop_is_told_from_an_array_that_holds_one():
    assert (request(stop="").stop, request(stop="").slips) == (("",), (("stop_empty", -1),))
    assert (request(stop=[""]).stop, request(stop=[""]).slips) == (("",), ())


def test_what_is_checked_and_has_no_effect_is_kept_aside():
    assert request(parallel_tool_calls=False).extras == {"parallel_tool_calls": False}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b'{"model":', "model: EOF while parsing a value at line 1 column 9"),
        (b'{"model": "a",}', "trailing comma at line 1 column 15"),
        (
            rb'{"model":"a","messages":[{"role":"user","content":"\ud800"}]}',
            "messages[0].content: unexpected end of hex escape at line 1 column 58",
        ),
        (b'{"x":{"secret":{"a" 1}}}', "expected `:` at line 1 column 21"),
    ],
    ids=["empty", "cut", "comma", "surrogate", "own-names"],
)
def test_broken_json_is_refused_in_the_hosted_words(body, said):
    with pytest.raises(BrokenJson) as caught:
        decode_request(body)
    assert caught.value.message == "Failed to parse the request body as JSON: " + said


def test_a_parse_error_quotes_nothing_of_the_body():
    for body in (b'{"model": CANARY}', b'{"CANARY": [}', b'{"x": {"CANARY": tru}}'):
        assert "CANARY" not in refused(body)


@pytest.mark.parametrize(("depth", "read"), [(126, True), (127, False), (900, False), (20_000, False)])
def test_128_levels_are_refused_as_the_hosted_parser_does(depth, read):
    body = with_depth(request_body(metadata="DEEP"), depth)
    if read:
        assert decode_request(encode_request(decode_request(body))) == decode_request(body)
    else:
        assert refused(body).startswith("Failed to parse the request body as JSON: recursion limit exceeded at line 1")


def test_of_a_repeated_field_the_last_one_counts():
    assert decode_request(b'{"model":"a","model":"b","messages":[{"role":"user","content":"Hi"}]}').model == "b"
