"""Completion requests: shapes in serde's words, rules in the contract's, and both directions."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from tests.support.strategies import MODERATE, fim_requests

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_completions.request import check_request, decode_request, encode_request, request_fields
from tidegate.core.errors import BrokenJson, ClientMistake, WrongShape
from tidegate.core.requests import FimRequest

CONTRACT = contract_named(DEFAULT_PROFILE)


def body(**changes: object) -> bytes:
    fields = {"model": "deepseek-v4-pro", "prompt": "def f(", **changes}
    return orjson.dumps({name: value for name, value in fields.items() if value is not ...})


def refused(**changes: object) -> str:
    with pytest.raises(ClientMistake) as caught:
        check_request(decode_request(body(**changes), CONTRACT), CONTRACT)
    return caught.value.message


@given(fim_requests())
@MODERATE
def test_a_request_that_was_written_is_read_as_it_was(request):
    assert decode_request(encode_request(request)) == request
    check_request(request, CONTRACT)


def test_the_smallest_request_says_only_model_and_prompt():
    fields = {"model": "deepseek-v4-pro", "prompt": "def f("}
    assert decode_request(body()) == FimRequest(model="deepseek-v4-pro", prompt="def f(")
    assert request_fields(decode_request(body())) == fields


def test_what_the_contract_does_not_know_is_kept_aside():
    assert decode_request(body(n=2, user_id=5)).extras == {"n": 2, "user_id": 5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": ...}, "missing field `model` at line 1 column 19"),
        ({"prompt": ...}, "missing field `prompt` at line 1 column 27"),
        ({"prompt": ["secret"]}, "prompt: invalid type: sequence, expected a string at line 1 column 36"),
        ({"prompt": None}, "prompt: invalid type: null, expected a string at line 1 column 40"),
        ({"suffix": 5}, "suffix: invalid type: integer `5`, expected a string at line 1 column 55"),
        ({"echo": "secret"}, "echo: invalid type: string, expected a boolean at line 1 column 60"),
        ({"logprobs": True}, "logprobs: invalid type: boolean `true`, expected u8 at line 1 column 60"),
        ({"stop": 5}, "stop: expected a string or a list at line 1 column 53"),
        ({"max_tokens": -1}, "max_tokens: invalid value: integer `-1`, expected u32 at line 1 column 60"),
    ],
)
def test_a_field_of_the_wrong_shape_is_refused_by_its_name(changes, said):
    with pytest.raises(WrongShape) as caught:
        decode_request(body(**changes))
    assert caught.value.message == f"Failed to deserialize the JSON body into the target type: {said}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_tokens": 4097}, "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]"),
        ({"logprobs": 21}, "Invalid logprobs value, the valid range of logprobs is [0, 20]"),
        ({"temperature": 2.5}, "Invalid temperature value, the valid range of temperature is [0, 2]"),
        ({"top_p": 0}, "Invalid top_p value, the valid range of top_p is (0, 1.0]"),
        ({"frequency_penalty": 3}, "Invalid frequency_penalty value, the valid range of frequency_penalty is [-2, 2]"),
        ({"stop": ["a"] * 17}, "Stop string array too long: 17"),
        ({"stream_options": {}}, "stream_options should be set along with stream = true"),
        (
            {"stop": ""},
            "Invalid 'stop': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_the_contracts_words(changes, said):
    assert refused(**changes) == said


def test_broken_json_quotes_nothing_unless_it_may():
    with pytest.raises(BrokenJson) as caught:
        decode_request(b'{"secret": {"prompt": x')
    assert "secret" not in caught.value.message
    with pytest.raises(BrokenJson, match=r"secret.prompt: expected value at line 1 column 23"):
        decode_request(b'{"secret": {"prompt": x', quoting=True)
