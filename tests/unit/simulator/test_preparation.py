"""From a request to a task: model, effort, room for the answer, and how it will be spoken."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request, request_body

from tidegate.catalog.contracts import contract_named
from tidegate.core.errors import ClientMistake, UnknownModel
from tidegate.simulator.chat import ChatSurface
from tidegate.simulator.parts import Settings, parts_of
from tidegate.simulator.preparation import Prepared, prepare, room

NOW, OLD = contract_named("2026-09-v41"), contract_named("2026-04-preview")
OFF = {"type": "disabled"}


def prepared(settings: Settings | None = None, **fields: Any) -> Prepared:
    body = request_body(**{"model": "deepseek-flash", **fields})
    return prepare(parts_of(settings or Settings()), ChatSurface(), body, beta=True)


@pytest.mark.parametrize(
    ("fields", "prompt", "most"),
    [
        ({"thinking": OFF}, 10, 8192),
        ({"reasoning_effort": "low"}, 10, 65536),
        ({"reasoning_effort": "xhigh"}, 10, 65536),
        ({"reasoning_effort": "max"}, 10, 131072),
        ({}, 1_000_000, 48576),
        ({}, 1_048_576, 1),
        ({"max_tokens": 393216}, 10, 393216),
    ],
)
def test_the_room_is_what_was_asked_or_what_the_context_leaves(fields, prompt, most):
    asked = request(model="deepseek-flash", **fields)
    effort = NOW.applied_effort(asked)
    default = NOW.default_max_tokens(thinks=asked.thinks, effort=effort)
    assert room(NOW, asked, prompt, default) == most


@pytest.mark.parametrize(
    ("max_tokens", "prompt", "says"),
    [
        (None, 1_048_577, "requested 1048577 tokens (1048577 in the messages, 0 in the completion)"),
        (393216, 700_000, "requested 1093216 tokens (700000 in the messages, 393216 in the completion)"),
        (393216, 1_048_577, "requested 1441793 tokens (1048577 in the messages, 393216 in the completion)"),
    ],
)
def test_too_much_for_the_context_is_refused_with_all_numbers(max_tokens, prompt, says):
    with pytest.raises(ClientMistake) as refused:
        room(NOW, request(model="deepseek-flash", max_tokens=max_tokens), prompt, 65536)
    assert says in refused.value.message
    assert refused.value.message.startswith("This model's maximum context length is 1048576 tokens. However, you ")


def test_a_long_prompt_is_counted_as_it_is():
    asked = [{"role": "user", "content": "x" + " tide" * 1000}]
    assert len(prepared(messages=asked, thinking=OFF).tokens) == 1001 + 4  # four marks of the template


@pytest.mark.parametrize("name", ["deepseek-chat", "deepseek-reasoner", "deepseek-v4-flash", "nope"])
def test_retired_names_are_refused_like_unknown_ones(name):
    with pytest.raises(UnknownModel, match=f"deepseek-flash, deepseek-v4-pro, but you passed {name}"):
        prepared(model=name)


@pytest.mark.parametrize(("name", "fields", "thinks"), [
    ("deepseek-chat", {}, False),
    ("deepseek-reasoner", {}, True),
    ("deepseek-chat", {"thinking": {"type": "enabled"}}, True),
    ("deepseek-reasoner", {"reasoning_effort": "none"}, False),
    ("deepseek-v4-flash", {}, True),
])  # fmt: skip
def test_or_mean_their_successor(name, fields, thinks):
    found = prepared(Settings(aliases="remap"), model=name, **fields)
    assert (found.request.model, found.task.effort != "off") == ("deepseek-flash", thinks)


def test_an_unknown_name_is_never_remapped():
    with pytest.raises(UnknownModel):
        prepared(Settings(aliases="remap"), model="nope")


LOST = [
    {"role": "user", "content": "x"},
    {"role": "assistant", "content": "", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "r"},
]  # fmt: skip


@pytest.mark.parametrize(("settings", "model"), [
    (Settings(passback=False), "deepseek-flash"),
    (Settings(profile="2026-04-preview"), "deepseek-v4-flash"),
])  # fmt: skip
def test_reasoning_must_be_passed_back_only_where_and_when_it_is_asked_for(settings, model):
    with pytest.raises(ClientMistake, match="must be passed back to the API"):
        prepared(messages=LOST, tools=[WEATHER])
    assert prepared(settings, messages=LOST, tools=[WEATHER], model=model).tokens


def begun(content: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "x"}, {"role": "assistant", "content": content, "prefix": True}]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"thinks_first": True, "calls_open": False, "alternatives": None}),
        ({"thinking": OFF}, {"thinks_first": False}),
        ({"messages": begun("The sky")}, {"thinks_first": False}),
        ({"messages": begun("")}, {"thinks_first": True}),
        ({"thinking": OFF, "tools": [WEATHER], "tool_choice": "required"}, {"calls_open": True}),
        ({"thinking": OFF, "tool_choice": "required"}, {"calls_open": False}),
        ({"logprobs": True}, {"alternatives": 0}),
        ({"logprobs": True, "top_logprobs": 3}, {"alternatives": 3}),
        ({"logprobs": False}, {"alternatives": None}),
    ],
)
def test_the_request_decides_how_it_is_spoken(fields, expected):
    manner = prepared(**fields).manner("id", leaks=False)
    assert {name: getattr(manner, name) for name in expected} == expected
