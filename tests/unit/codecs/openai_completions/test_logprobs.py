"""The parallel arrays of logprobs become one object per token, and arrays again."""

from __future__ import annotations

import pytest

from tidegate.codecs.openai_completions.logprobs import decode_logprobs, encode_logprobs
from tidegate.core.errors import BrokenContract

ARRAYS = {
    "text_offset": [0, 1],
    "token_logprobs": [None, -0.5],
    "tokens": ["a", "b"],
    "top_logprobs": [None, {"b": -0.5}],
}
TOKENS = (
    {"token": "a", "logprob": None, "top_logprobs": None, "text_offset": 0},
    {"token": "b", "logprob": -0.5, "top_logprobs": {"b": -0.5}, "text_offset": 1},
)


def test_both_directions_agree():
    assert decode_logprobs(ARRAYS) == TOKENS
    assert encode_logprobs(TOKENS) == ARRAYS


@pytest.mark.parametrize("value", [None, 5, [], {}, {"tokens": []}, {"tokens": None}])
def test_no_tokens_are_no_logprobs(value):
    assert decode_logprobs(value) is None
    assert encode_logprobs(None) is None


def test_an_array_that_was_not_sent_is_not_made_up():
    assert decode_logprobs({"tokens": ["a"]}) == ({"token": "a"},)
    encoded = encode_logprobs(({"token": "a"}, 5))
    assert encoded is not None
    assert encoded["tokens"] == ["a", None]
    assert [encoded[name] for name in ("text_offset", "token_logprobs", "top_logprobs")] == [[None, None]] * 3


def test_arrays_of_different_lengths_are_the_backends_fault():
    with pytest.raises(BrokenContract, match="different lengths"):
        decode_logprobs({"tokens": ["a"], "token_logprobs": []})
