"""A real `transformers serve` with the embedded demo model: the plainest of servers, and the most careless."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.real.runtimes.gateway import Gateway, Json, found_at, gateway_over

pytestmark = pytest.mark.timeout(600)

CAPITAL = [{"role": "user", "content": "What is the capital of France?"}]
TOOL = {"type": "function", "function": {"name": "tide_at", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def gateway(transformers_serve: str, tmp_path: Path) -> AsyncGenerator[Gateway]:
    # It lists no models offline, and answers to the name it was started with only.
    async with gateway_over("transformers_serve", transformers_serve, tmp_path, models=["demo"]) as gateway:
        yield gateway


async def test_it_is_found_by_its_fingerprint_and_by_no_other(transformers_serve: str) -> None:
    assert await found_at(transformers_serve) == ["transformers_serve"]


@pytest.mark.parametrize("stream", [True, False])
async def test_it_speaks_the_contract(gateway: Gateway, stream: bool) -> None:
    answer = await gateway.ask(messages=CAPITAL, stream=stream, max_tokens=24)
    assert answer.content and answer.finishes in (["stop"], ["length"])
    assert answer.usage["completion_tokens"] > 0 and answer.usage["prompt_cache_hit_tokens"] is None
    assert {"TRS001", "TRS007"} <= set(answer.quirks)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_follows_a_stop_string_is_cut(gateway: Gateway, stream: bool) -> None:
    answer = await gateway.ask(messages=CAPITAL, stream=stream, max_tokens=24, stop=[" "])
    assert " " not in answer.content and answer.finishes == ["stop"]
    # The header of a stream is sent before its end is known.
    assert stream or "TRS005" in answer.quirks


async def test_max_tokens_ends_with_length(gateway: Gateway) -> None:
    answer = await gateway.ask(messages=CAPITAL, max_tokens=3)
    assert answer.finishes == ["length"] and answer.usage["completion_tokens"] == 3


@pytest.mark.parametrize(
    "wish",
    [
        {"response_format": {"type": "json_object"}},
        {"tools": [TOOL], "tool_choice": "required"},
        {"logprobs": True},
    ],
    ids=["json", "forced tool", "logprobs"],
)
async def test_what_it_would_silently_ignore_is_refused(gateway: Gateway, wish: Json) -> None:
    status, text = await gateway.refusal(messages=[{"role": "user", "content": "Answer in JSON."}], **wish)
    assert status == 400 and "TRS003" in text


async def test_a_model_that_it_does_not_serve_is_not_answered(
    gateway: Gateway, transformers_serve: str, tmp_path: Path
) -> None:
    status, _ = await gateway.refusal(messages=CAPITAL, model="box/nope")
    assert status == 404
    async with gateway_over("transformers_serve", transformers_serve, tmp_path / "other", models=["nope"]) as mistaken:
        status, _ = await mistaken.refusal(messages=CAPITAL, model="box/nope")
    assert status == 502, "the configuration is wrong, not the request"
