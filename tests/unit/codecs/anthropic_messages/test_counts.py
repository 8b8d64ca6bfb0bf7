"""Usage and stop reasons, both ways: what the cache held is not counted twice, and what nobody reported stays unknown."""

from __future__ import annotations

import pytest

from tidegate.codecs.anthropic_messages.counts import decode_usage, encode_usage, finish_of, stop_reason
from tidegate.core.errors import BackendOverloaded, BrokenContract
from tidegate.core.usage import Usage

HOSTED = {
    "input_tokens": 36,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 64,
    "output_tokens": 5,
    "service_tier": "standard",
}


def test_the_hosted_object_both_ways():
    usage = Usage(prompt=100, output=5, cache_hit=64)
    assert decode_usage(HOSTED) == usage
    assert list(encode_usage(usage).items()) == list(HOSTED.items())


@pytest.mark.parametrize(
    "usage",
    [Usage(prompt=7), Usage(output=7), Usage(cache_hit=7), Usage(prompt=7, cache_hit=0), Usage(prompt=0, output=0)],
)
def test_what_nobody_reported_is_null_and_comes_back_unknown(usage: Usage):
    assert decode_usage(encode_usage(usage)) == usage


def test_nothing_reported_is_no_report():
    written = encode_usage(None)
    assert (written["input_tokens"], written["cache_read_input_tokens"], written["output_tokens"]) == (None, None, None)
    assert decode_usage(written) is None


def test_a_running_total_begins_at_what_is_known_and_is_never_null():
    assert encode_usage(Usage(prompt=100, output=5, cache_hit=64), begun=True) == {**HOSTED, "output_tokens": 0}
    assert encode_usage(None, begun=True) == {
        **HOSTED, "input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0
    }  # fmt: skip


def test_what_was_written_to_a_cache_belongs_to_the_prompt():
    assert decode_usage({**HOSTED, "cache_creation_input_tokens": 10}) == Usage(prompt=110, output=5, cache_hit=64)


@pytest.mark.parametrize("count", [-1, 1.5, True, "5", 2**63])
def test_what_is_no_count_was_not_reported(count: object):
    assert decode_usage({"input_tokens": count, "output_tokens": 1}) == Usage(output=1)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("tool_calls", "tool_use"), ("length", "max_tokens"), ("content_filter", "refusal")],
)
def test_reasons_both_ways(finish: str, reason: str):
    assert stop_reason(finish, None) == reason
    assert finish_of(reason) == finish


def test_a_stop_string_is_a_reason_of_its_own():
    assert stop_reason("stop", "END") == "stop_sequence"
    assert stop_reason("length", "END") == "max_tokens"
    assert finish_of("stop_sequence") == "stop"


def test_an_answer_cut_for_lack_of_resources_is_not_called_whole():
    with pytest.raises(BackendOverloaded):
        stop_reason("insufficient_system_resource", None)


@pytest.mark.parametrize("reason", [None, 5, "pause_turn"])
def test_a_reason_nobody_knows_is_refused(reason: object):
    with pytest.raises(BrokenContract):
        finish_of(reason)
    with pytest.raises(BrokenContract):
        stop_reason(str(reason), None)


def test_a_prompt_is_no_more_than_a_ledger_holds():
    most = 2**63 - 1
    assert decode_usage({"input_tokens": most, "output_tokens": most}) == Usage(prompt=most, output=most)
    assert decode_usage({"input_tokens": most, "cache_read_input_tokens": 1, "output_tokens": 1}) == Usage(
        output=1, cache_hit=1
    )
