"""The contract's rules in the hosted API's words and order: every row of the table `rules` that is about a chat request."""

from __future__ import annotations

import pytest
from tests.support.samples import CALL, WEATHER, request

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.check import check_request
from tidegate.core.errors import ClientMistake
from tidegate.core.requests import NamedTool

CONTRACT = contract_named(DEFAULT_PROFILE)
OFF = {"type": "disabled"}
HI = {"role": "user", "content": "Hi"}
PREFIX = {"role": "assistant", "content": "The", "prefix": True}
SCHEMA = {"type": "json_schema", "json_schema": {"schema": {"type": "zz"}}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}


def checked(profile: str = DEFAULT_PROFILE, *, beta: bool = True, passback: bool = True, **fields: object) -> None:
    check_request(request(**fields), contract_named(profile), beta=beta, passback=passback)


def refused(**fields: object) -> str:
    with pytest.raises(ClientMistake) as caught:
        checked(**fields)
    assert caught.value.status == 400
    return caught.value.message


def out_of_range(field: str, span: str) -> str:
    return f"Invalid {field} value, the valid range of {field} is {span}"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_tokens": 0}, out_of_range("max_tokens", "[1, 393216]")),
        ({"max_tokens": 393217}, out_of_range("max_tokens", "[1, 393216]")),
        ({"temperature": 2.1}, out_of_range("temperature", "[0, 2]")),
        ({"temperature": 1e39}, out_of_range("temperature", "[0, 2]")),
        ({"top_p": 0}, out_of_range("top_p", "(0, 1.0]")),
        ({"top_p": 1e-60}, out_of_range("top_p", "(0, 1.0]")),
        ({"top_p": 1.01}, out_of_range("top_p", "(0, 1.0]")),
        ({"seed": 2**63}, out_of_range("seed", "[0, 2^63)")),
        ({"frequency_penalty": -2.1}, out_of_range("frequency_penalty", "[-2, 2]")),
        ({"presence_penalty": 3}, out_of_range("presence_penalty", "[-2, 2]")),
        ({"logprobs": True, "top_logprobs": 21}, out_of_range("top_logprobs", "[0, 20].")),
        (
            {"top_logprobs": 21},
            "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used.",
        ),
        ({"n": 2}, "Invalid n value (currently only n = 1 is supported)"),
        ({"n": 0}, "Invalid n value (currently only n = 1 is supported)"),
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
        ({"stream": False, "stream_options": {}}, "stream_options should be set along with stream = true"),
        ({"messages": []}, "Empty input messages"),
        (
            {"user_id": "é" * 257},
            "Invalid 'user_id': string too long. Expected a string with maximum length 512, but got a string with "
            "length 514 instead",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_the_hosted_words(fields, said):
    assert refused(**fields) == said


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 2.00000001},
        {"temperature": 0},
        {"top_p": 1.00000001, "n": 1, "seed": 2**63 - 1, "max_tokens": 393216},
        {"frequency_penalty": -2, "presence_penalty": 2.0},
        {"logprobs": True, "top_logprobs": 20, "stop": ["a"] * 16},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"user_id": "any signs at all: {}" * 25},
        {"model": "nobody serves this"},
        {"tools": [WEATHER], "tool_choice": "required", "thinking": OFF},
        {"tools": [WEATHER], "tool_choice": NAMED, "reasoning_effort": "none"},
        {"tools": [WEATHER], "tool_choice": "auto"},
        {"tool_choice": "required"},
    ],
)
def test_what_the_hosted_api_accepts_passes(fields):
    checked(**fields)


def test_a_forced_choice_needs_thinking_switched_off():
    for choice in ("required", NAMED):
        assert refused(tools=[WEATHER], tool_choice=choice) == "Thinking mode does not support this tool_choice"
    assert request(tool_choice=NAMED).tool_choice == NamedTool("get_weather")


def test_a_prefix_is_for_the_beta_base_url():
    messages = [HI, PREFIX]
    checked(messages=messages)
    with pytest.raises(ClientMistake) as caught:
        checked(beta=False, messages=messages, tools=[WEATHER, WEATHER])
    assert caught.value.message == (
        'prefix is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
    )


def test_strict_is_accepted_off_beta():
    strict = {"type": "function", "function": {"name": "f", "strict": True}}
    checked(beta=False, tools=[strict])


CALLED = [
    {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "c"}]},
    {"role": "tool", "tool_call_id": "c", "content": "x"},
]


def test_a_rule_without_a_row_does_not_hold_at_its_date():
    with pytest.raises(ClientMistake, match="must be passed back to the API"):
        checked(messages=[HI, *CALLED])
    checked(passback=False, messages=[HI, *CALLED])
    checked("2026-04-preview", messages=[HI, *CALLED])
    image = {"type": "image_url", "image_url": {"url": "ftp://x"}}
    with pytest.raises(ClientMistake, match="Unsupported image_url format"):
        checked(messages=[{"role": "user", "content": [image]}])
    checked("2026-08-ga", messages=[{"role": "user", "content": [image]}])


FAULTS: list[tuple[dict, str]] = [
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
    ({"messages": []}, "Empty input messages"),
    ({"response_format": {"type": "json_object"}}, "the word 'json'"),
    ({"tools": [WEATHER, WEATHER]}, "Tool names must be unique."),
    ({"tools": [WEATHER], "messages": [HI, PREFIX], "thinking": OFF}, "Function call should not be used with prefix"),
    ({"stop": ""}, "Invalid 'stop'"),
    ({"stream_options": {}}, "stream_options should be set"),
    ({"response_format": SCHEMA}, "Invalid json schema"),
    (
        {"tools": [WEATHER, {"type": "function", "function": {"name": "g", "strict": True}}]},
        "Cannot use strict tool with non-strict tool",
    ),
    ({"n": 2}, "Invalid n value"),
    ({"presence_penalty": 3}, "Invalid presence_penalty"),
    ({"frequency_penalty": 3}, "Invalid frequency_penalty"),
    ({"temperature": 3}, "Invalid temperature"),
    ({"top_p": 3}, "Invalid top_p"),
    ({"top_logprobs": 3}, "Invalid top_logprobs"),
    ({"max_tokens": 0}, "Invalid max_tokens"),
    ({"seed": 2**63}, "Invalid seed"),
    ({"user_id": "u" * 513}, "Invalid 'user_id'"),
]
"""In the order in which the hosted API looks."""


@pytest.mark.parametrize("position", range(len(FAULTS)))
def test_of_two_broken_rules_the_earlier_one_is_said(position):
    earlier, said = FAULTS[position]
    for later, _ in FAULTS[position + 1 :]:
        if not earlier.keys() & later.keys():
            assert said in refused(**later, **earlier)


def test_nothing_of_a_prompt_is_quoted():
    messages = [HI, *CALLED, {"role": "tool", "tool_call_id": "my secret is 1234", "content": "x"}]
    calls = [{**CALL, "id": name} for name in ("a", "b")]
    asked = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": calls}
    answer = {"role": "tool", "tool_call_id": "my secret is 1234", "content": "x"}
    bodies = [
        {"messages": messages},
        {"messages": [HI, asked, answer]},
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "my secret is 1234"}}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"description": ["1234"]}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"title": ["1234"]}}}},
    ]
    for body in bodies:
        assert "1234" not in refused(**body)
    with pytest.raises(ClientMistake, match="1234"):
        check_request(request(**bodies[1]), CONTRACT, beta=True, passback=True, quoting=True)
