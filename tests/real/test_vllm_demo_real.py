"""A real vLLM with the embedded demo model: it answers for itself, so what is tested is what the grammar enforces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.real.runtimes.gateway import Answer, Gateway, gateway_over

from tidegate.core.profile import Fact

pytestmark = pytest.mark.timeout(600)

SEEDS = 50
AT_ONCE = 16
PLACES = ["Brest", "Dover", "Cuxhaven"]


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


TIDE = schema(place={"type": "string", "enum": PLACES}, day={"type": "integer", "minimum": 0, "maximum": 7})
TOOLS = [
    {"type": "function", "function": {"name": "tide_at", "description": "The tide at a place", "parameters": TIDE}}
]
QUESTION = [{"role": "user", "content": "When is high tide in Brest tomorrow? Answer in JSON."}]


@pytest.fixture
async def gateway(vllm_demo: str, tmp_path: Path) -> AsyncGenerator[Gateway]:
    async with gateway_over("vllm", vllm_demo, tmp_path) as gateway:
        yield gateway


async def with_each_seed(gateway: Gateway, **fields: Any) -> list[Answer]:
    """Every second one streamed; the model is tried at temperature 1, where it is at its wildest."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Answer:
        async with turns:
            return await gateway.ask(
                **{"messages": QUESTION, "seed": seed, "stream": seed % 2 == 0, "temperature": 1} | fields
            )

    return await asyncio.gather(*map(one, range(SEEDS)))


def fits(arguments: str) -> bool:
    found = json.loads(arguments)
    return set(found) == {"place", "day"} and found["place"] in PLACES and found["day"] in range(8)


async def test_it_answers(gateway: Gateway) -> None:
    answer = await gateway.ask(messages=[{"role": "user", "content": "What is the capital of France?"}], temperature=0)
    assert "Paris" in answer.content and answer.finishes == ["stop"]


async def test_json_mode_holds(gateway: Gateway) -> None:
    answers = await with_each_seed(gateway, response_format={"type": "json_object"}, max_tokens=160)
    ended = [answer for answer in answers if answer.finishes == ["stop"]]
    assert all(isinstance(json.loads(answer.content), dict) for answer in ended)
    assert all(answer.finishes == ["length"] for answer in answers if answer not in ended)
    assert len(ended) >= SEEDS // 3, "a small model does not always find the end of its object; most often it must"


async def test_a_schema_holds_50_of_50(gateway: Gateway) -> None:
    wish = {"type": "json_schema", "json_schema": {"name": "tide", "strict": True, "schema": TIDE}}
    answers = await with_each_seed(gateway, response_format=wish, max_tokens=60)
    assert [(answer.finishes, fits(answer.content)) for answer in answers] == [(["stop"], True)] * SEEDS


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "tide_at"}}], ids=["required", "named"]
)
async def test_a_forced_tool_is_called_50_of_50(gateway: Gateway, choice: object) -> None:
    answers = await with_each_seed(gateway, tools=TOOLS, tool_choice=choice, max_tokens=80)
    for answer in answers:
        # `required` allows more calls; an answer that max_tokens ended may hold a last one that is not whole.
        whole = answer.calls if answer.finishes == ["tool_calls"] else answer.calls[:-1]
        assert whole and answer.finishes in (["tool_calls"], ["length"])
        assert all(call["name"] == "tide_at" and fits(call["arguments"]) for call in whole)


async def test_a_prefix_is_continued_because_it_was_seen_to_be(vllm_demo: str, tmp_path: Path) -> None:
    async with gateway_over("vllm", vllm_demo, tmp_path, measure=True) as gateway:
        profile = await gateway.profile()
        begun = {"role": "assistant", "content": "The capital of", "prefix": True}
        question = {"role": "user", "content": "What is the capital of France?"}
        answer = await gateway.ask(
            path="/beta/chat/completions", messages=[question, begun], temperature=0, max_tokens=6
        )
    assert (profile.traits.continues, profile.traits.encoding) == (True, None)
    assert profile.fact("prefix") == Fact(
        "prefix", "native", "measured", "VLL015", "0.32.0", profile.fact("prefix").checked
    )
    assert profile.fact("fim").way == "refused", "the server says that it knows no suffix"
    assert answer.content.startswith(" France")
    assert "VLL015" in answer.quirks
