"""The shared quirks of OpenAI-shaped servers: what applies, what does not, and that both are told apart."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from tests.support.samples import WEATHER, chunk, request

from tidegate.core.errors import BrokenContract
from tidegate.dialects import openai_shape as shape


def test_the_switch_is_said_by_both_names_and_the_effort_as_the_contract_maps_it():
    fields: dict[str, Any] = {"thinking": {"type": "enabled"}, "reasoning_effort": "xhigh"}
    assert shape.switch_by_template(request(reasoning_effort="xhigh"), fields)
    assert fields == {
        "chat_template_kwargs": {"thinking": True, "enable_thinking": True},
        "reasoning_effort": "high",
    }
    fields = {"reasoning_effort": "none"}
    assert shape.switch_by_template(request(reasoning_effort="none"), fields)
    assert fields == {"chat_template_kwargs": {"thinking": False, "enable_thinking": False}}


@pytest.mark.parametrize(
    ("thinks", "asked", "sampled"),
    [
        (True, {"temperature": 0.2, "top_p": 0.3}, (1, 1)),
        (False, {"temperature": 0.2, "top_p": 0.3}, (0.2, 0.3)),
        (False, {}, (1, 1)),
        (False, {"temperature": 0}, (0, 1)),
    ],
)
def test_sampling_is_the_contracts(thinks, asked, sampled):
    fields = dict(asked)
    thinking = {"type": "enabled" if thinks else "disabled"}
    assert shape.plain_sampling(-1)(request(thinking=thinking), fields)
    assert (fields["temperature"], fields["top_p"]) == sampled
    assert (fields["top_k"], fields["min_p"], fields["repetition_penalty"]) == (-1, 0, 1)


@pytest.mark.parametrize(("stream", "quirk"), [(False, True), (True, False)])
def test_a_stream_is_asked_for_in_any_case(stream, quirk):
    fields: dict[str, Any] = {}
    assert shape.always_stream(request(stream=stream), fields) is quirk
    assert fields == {"stream": True}


def test_a_missing_length_and_json_mode_are_noticed():
    assert shape.state_missing_length(request(), {})
    assert not shape.state_missing_length(request(max_tokens=1), {})
    assert shape.state_json(request(response_format={"type": "json_object"}), {})
    assert not shape.state_json(request(response_format={"type": "text"}), {})
    assert not shape.state_json(request(), {})


def test_what_always_holds_is_always_said_and_changes_nothing():
    fields: dict[str, Any] = {"model": "m"}
    assert shape.state_always(request(), fields)
    assert fields == {"model": "m"}


def test_only_a_choice_without_tools_is_dropped():
    fields: dict[str, Any] = {"tool_choice": "auto"}
    assert not shape.drop_lone_choice(request(tools=[WEATHER]), fields)
    assert shape.drop_lone_choice(request(), fields)
    assert not shape.drop_lone_choice(request(), fields)
    assert fields == {}


@pytest.mark.parametrize("place", ["delta", "message"])
def test_reasoning_is_renamed_wherever_it_stands(place):
    said = {"choices": [{place: {"reasoning": "R", "content": None}}]}
    assert shape.rename_reasoning(said)
    assert said == {"choices": [{place: {"reasoning_content": "R", "content": None}}]}


@pytest.mark.parametrize(
    "said",
    [{"reasoning": None}, {"reasoning": ""}, {"reasoning": "a", "reasoning_content": "b"}, {"content": "x"}, None, 1],
)
def test_what_is_no_reasoning_is_left_alone(said):
    fields = {"choices": [{"delta": said}, 7], "usage": None}
    assert not shape.rename_reasoning(fields)
    assert fields["choices"][0] == {"delta": said}


@pytest.mark.parametrize("fields", [{}, {"choices": None}, {"choices": [None]}])
def test_a_chunk_without_choices_says_nothing(fields):
    assert not shape.rename_reasoning(fields)
    assert not shape.name_abort(fields)
    assert not shape.refuse_empty_call(fields)


def test_logprobs_follow_the_reasoning_of_a_piece_but_not_of_a_whole_answer():
    piece = chunk(delta={"reasoning": "R"}, logprobs={"content": [1]})
    shape.rename_reasoning(piece)
    assert piece["choices"][0]["logprobs"] == {"reasoning_content": [1]}
    whole = {"choices": [{"message": {"reasoning": "R", "content": "C"}, "logprobs": {"content": [1, 2]}}]}
    shape.rename_reasoning(whole)
    assert whole["choices"][0]["logprobs"] == {"content": [1, 2]}


@pytest.mark.parametrize(("arguments", "refused"), [("{}", True), ("", True), ('{"a":1}', False), ('{"a', False)])
def test_an_empty_call_is_refused_in_a_whole_answer_only(arguments, refused):
    call = {"function": {"name": "f", "arguments": arguments}}
    if refused:
        with pytest.raises(BrokenContract):
            shape.refuse_empty_call({"choices": [{"message": {"tool_calls": [call]}}]})
    else:
        assert not shape.refuse_empty_call({"choices": [{"message": {"tool_calls": [call]}}]})
    assert not shape.refuse_empty_call({"choices": [{"delta": {"tool_calls": [call]}}]})


def cut_with(arguments: Any, reason: str | None = "length", place: str = "delta") -> dict[str, Any]:
    call = {"index": 0, "function": {"arguments": arguments}}
    return {"choices": [{"index": 0, place: {"tool_calls": [call]}, "finish_reason": reason}]}


@pytest.mark.parametrize(("came", "stays"), [("{}", ""), ('"}', '"'), ("2}", "2"), ('{"a": 1}', '{"a": 1')])
def test_a_call_that_was_closed_together_with_the_cut_is_open_again(came, stays):
    fields = cut_with(came)
    assert shape.reopen_cut_call(fields)
    assert fields == cut_with(stays)


@pytest.mark.parametrize(
    "fields",
    [
        cut_with("{}", None),
        cut_with("{}", "tool_calls"),
        cut_with("{}", place="message"),
        cut_with('{"a'),
        cut_with(None),
        {"choices": [{"delta": {"tool_calls": [7]}, "finish_reason": "length"}, {"finish_reason": "length"}]},
    ],
)
def test_a_call_that_was_not_closed_with_the_cut_stays_as_it_is(fields):
    before = deepcopy(fields)
    assert not shape.reopen_cut_call(fields)
    assert fields == before


@pytest.mark.parametrize(("reason", "named"), [("abort", True), ("error", True), ("stop", False), (None, False)])
def test_an_abort_gets_the_contracts_name(reason, named):
    fields = {"choices": [{"finish_reason": reason}]}
    assert shape.name_abort(fields) is named
    assert fields["choices"][0]["finish_reason"] == ("insufficient_system_resource" if named else reason)


@pytest.mark.parametrize(
    ("usage", "lacks"),
    [
        (None, False),
        ({"prompt_tokens": 1}, True),
        ({"prompt_tokens_details": None}, True),
        ({"prompt_tokens_details": {"cached_tokens": None}}, True),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, False),
        ({"prompt_cache_hit_tokens": 0}, False),
    ],
)
def test_a_count_of_cached_tokens_is_missed_only_where_there_is_usage(usage, lacks):
    assert shape.lacks_cache({"usage": usage}) is lacks
