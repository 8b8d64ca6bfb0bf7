"""What was not reported stays None, and is never mixed with zero."""

from __future__ import annotations

import pytest

from tidegate.core.usage import Usage


def test_nothing_reported_is_nothing_known():
    usage = Usage()
    assert (usage.prompt, usage.output, usage.cache_hit, usage.reasoning) == (None, None, None, None)
    assert usage.cache_miss is None
    assert usage.total is None


def test_zero_is_a_report():
    usage = Usage(prompt=0, output=0, cache_hit=0, reasoning=0)
    assert usage.cache_miss == 0
    assert usage.total == 0
    assert usage != Usage()


def test_the_miss_is_what_the_cache_did_not_hold():
    assert Usage(prompt=100, cache_hit=64).cache_miss == 36
    assert Usage(prompt=100, cache_hit=0).cache_miss == 100


@pytest.mark.parametrize("usage", [Usage(prompt=100), Usage(cache_hit=64), Usage(output=5)])
def test_the_miss_is_unknown_while_either_count_is(usage):
    assert usage.cache_miss is None


@pytest.mark.parametrize("usage", [Usage(prompt=100), Usage(output=5), Usage(cache_hit=64)])
def test_the_total_is_unknown_while_either_count_is(usage):
    assert usage.total is None


def test_reasoning_is_a_part_of_the_output_and_not_added():
    assert Usage(prompt=9, output=7, reasoning=3).total == 16
