"""A real vLLM with R1's reasoning parser and V3's tool parser, over a model that says what the test wrote.

Its template has no switch, as that of R1: the prompt ends in an open `<think>` whatever the request says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.real.runtimes.gateway import Gateway, gateway_over, says

pytestmark = pytest.mark.timeout(600)

THINKING, NOT_THINKING = {"type": "enabled"}, {"type": "disabled"}
WAYS = pytest.mark.parametrize("stream", [True, False])
PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOLS = [{"type": "function", "function": {"name": "tide_at", "parameters": PARAMETERS}}]


def call_of(place: str) -> str:
    arguments = json.dumps({"place": place})
    return f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>tide_at\n```json\n{arguments}\n```<｜tool▁call▁end｜>"


TWO_CALLS = f"<｜tool▁calls▁begin｜>{call_of('Brest ' * 8)}\n{call_of('Dover')}<｜tool▁calls▁end｜>"


@pytest.fixture
async def gateway(vllm_r1: str, tmp_path: Path) -> AsyncGenerator[Gateway]:
    async with gateway_over("vllm", vllm_r1, tmp_path) as gateway:
        yield gateway


@WAYS
@pytest.mark.parametrize("thinking", [THINKING, NOT_THINKING], ids=["thinks", "thinks all the same"])
async def test_what_stands_before_the_end_of_thinking_is_reasoning(
    gateway: Gateway, stream: bool, thinking: object
) -> None:
    answer = await gateway.ask(messages=says("1+1 is 2.</think>The answer is 2."), stream=stream, thinking=thinking)
    assert (answer.reasoning, answer.content, answer.finishes) == ("1+1 is 2.", "The answer is 2.", ["stop"])
    assert b"think>" not in answer.reply.body


@WAYS
async def test_an_answer_without_thinking_is_not_lost(gateway: Gateway, stream: bool) -> None:
    answer = await gateway.ask(messages=says("The answer is 2."), stream=stream)
    assert (answer.reasoning, answer.content, answer.finishes) == ("", "The answer is 2.", ["stop"])


@WAYS
async def test_thinking_that_never_ended_stays_reasoning(gateway: Gateway, stream: bool) -> None:
    answer = await gateway.ask(messages=says("Let me think about it."), stream=stream, thinking=THINKING)
    assert (answer.reasoning, answer.content, answer.finishes) == ("Let me think about it.", "", ["stop"])
    cut = await gateway.ask(messages=says("Let me think about it."), stream=stream, max_tokens=3)
    assert (cut.reasoning, cut.content, cut.finishes) == ("Let me think", "", ["length"])


@WAYS
async def test_two_calls_after_reasoning(gateway: Gateway, stream: bool) -> None:
    raw = f"I look.</think>{TWO_CALLS}"
    answer = await gateway.ask(messages=says(raw), stream=stream, tools=TOOLS, thinking=THINKING)
    assert [call["name"] for call in answer.calls] == ["tide_at", "tide_at"]
    assert [json.loads(call["arguments"]) for call in answer.calls] == [{"place": "Brest " * 8}, {"place": "Dover"}]
    assert (answer.reasoning, answer.content.strip(), answer.finishes) == ("I look.", "", ["tool_calls"])


@WAYS
async def test_a_call_cut_anywhere_is_never_ready_to_run(gateway: Gateway, stream: bool) -> None:
    def ask(**more: int) -> object:
        return gateway.ask(
            messages=says(f"I look.</think>{TWO_CALLS}"), stream=stream, tools=TOOLS, thinking=THINKING, **more
        )

    whole = await ask()
    answers = await asyncio.gather(*(ask(max_tokens=cut) for cut in range(1, whole.usage["completion_tokens"], 3)))
    for answer in answers:
        assert answer.finishes == ["length"]
        for got, meant in zip(answer.calls, whole.calls, strict=False):
            assert meant["name"].startswith(got["name"]) and meant["arguments"].startswith(got["arguments"])
    assert any(
        answer.calls and answer.calls[0]["arguments"] not in ("", whole.calls[0]["arguments"]) for answer in answers
    )
