"""Token counts in DeepSeek's cache fields and in OpenAI's; a count nobody reported stays unknown both ways."""

from __future__ import annotations

import pytest

from tidegate.codecs.usage import decode_usage, encode_usage
from tidegate.core.usage import Usage

HOSTED = {
    "prompt_tokens": 100,
    "completion_tokens": 7,
    "total_tokens": 107,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "prompt_cache_hit_tokens": 64,
    "prompt_cache_miss_tokens": 36,
}


def test_the_hosted_object_is_read_whole():
    assert decode_usage(HOSTED) == Usage(prompt=100, output=7, cache_hit=64, reasoning=3)


def test_the_hosted_object_is_written_in_its_own_order():
    written = encode_usage(Usage(prompt=100, output=7, cache_hit=64, reasoning=3))
    assert written == HOSTED
    assert list(written) == list(HOSTED)


def test_reasoning_that_nobody_counted_has_no_details():
    written = encode_usage(Usage(prompt=20, output=5, cache_hit=0))
    assert list(written) == [name for name in HOSTED if name != "completion_tokens_details"]


def test_a_runtime_that_knows_only_openais_cache_field_is_understood():
    assert decode_usage({"prompt_tokens": 23, "prompt_tokens_details": {"cached_tokens": 22}}) == Usage(
        prompt=23, cache_hit=22
    )


def test_deepseeks_cache_field_goes_before_openais():
    both = {"prompt_cache_hit_tokens": 0, "prompt_tokens_details": {"cached_tokens": 22}}
    assert decode_usage(both) == Usage(cache_hit=0)


def test_what_was_not_reported_is_unknown_and_not_zero():
    assert decode_usage({"prompt_tokens": 5}) == Usage(prompt=5)
    assert decode_usage({"prompt_tokens": 0}) == Usage(prompt=0)


def test_what_is_unknown_is_written_as_null():
    written = encode_usage(Usage(prompt=5))
    assert (written["completion_tokens"], written["total_tokens"]) == (None, None)
    assert (written["prompt_cache_hit_tokens"], written["prompt_cache_miss_tokens"]) == (None, None)
    assert written["prompt_tokens_details"] == {"cached_tokens": None}


@pytest.mark.parametrize("nothing", [None, "17", 17, [], True])
def test_without_a_usage_object_there_is_no_usage(nothing):
    assert decode_usage(nothing) is None


def test_an_empty_usage_object_is_a_report_of_nothing():
    assert decode_usage({}) == Usage()


@pytest.mark.parametrize("count", ["5", 5.0, True, -1, [5], {}, 2**63])
def test_what_is_no_count_stays_unknown(count):
    assert decode_usage({"prompt_tokens": count, "completion_tokens": 1}) == Usage(output=1)


@pytest.mark.parametrize("details", [None, 5, "22", [22], {"cached_tokens": "22"}, {}])
def test_odd_details_are_no_report(details):
    assert decode_usage({"prompt_tokens": 23, "prompt_tokens_details": details}) == Usage(prompt=23)
