"""Each fault is a rule that explains itself, and does what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.samples import WEATHER

from tidegate.cli.explain import BOOKS
from tidegate.simulator.fault_kinds import FAULTS, SIMULATOR, STATUSES

from .conftest import Caller, message

Build = Callable[..., Caller]


def test_every_fault_is_a_rule_and_every_rule_a_fault():
    assert [kind.rule for kind in FAULTS.values()] == list(SIMULATOR)
    assert [rule.code for rule in SIMULATOR] == [f"SIM{number:03d}" for number in range(1, len(FAULTS) + 1)]


def test_the_rules_are_listed_by_explain():
    assert SIMULATOR in BOOKS


def test_statuses_are_the_faults_that_replace_the_answer():
    assert {name for name, kind in FAULTS.items() if kind.takes == "body"} == STATUSES


@pytest.mark.parametrize("parameters", [{"type": "object", "properties": {}}, WEATHER["function"]["parameters"]])
@pytest.mark.parametrize("stream", [False, True])
async def test_cut_arguments_are_no_json_also_where_there_are_none(simulator: Build, parameters: Any, stream: bool):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    asked = [{"role": "user", "content": "get_weather in Paris"}]
    reply = await simulator().post(
        headers={"x-sim-fault": "truncated_arguments"}, messages=asked, tools=[tool], stream=stream
    )
    if stream:
        chunks = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: {")]
        calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls") or ()]
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
    else:
        arguments = message(reply)["tool_calls"][0]["function"]["arguments"]
    assert arguments.startswith("{")
    with pytest.raises(ValueError):
        json.loads(arguments)


async def test_a_stall_without_a_stream_sends_its_head(simulator: Build):
    """The server holds a head until a byte comes after it."""
    reply = await simulator().post(headers={"x-sim-fault": "stall"})
    assert (reply.status, reply.body) == (200, b"\n")


@pytest.mark.parametrize(("seconds", "outcome"), [(599, "answered"), (600, "broken"), (700, "broken")])
async def test_the_line_closes_after_ten_minutes(simulator: Build, seconds: int, outcome: str):
    one = simulator()
    before = one.parts.clock.now()
    await one.post(headers={"x-sim-fault": f"queue={seconds}"})
    assert one.parts.seen[-1].outcome == outcome
    assert (one.parts.clock.now() - before).total_seconds() == min(seconds, 600)
