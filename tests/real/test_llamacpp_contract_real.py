"""The contract in front of a real llama.cpp: what it does not know is an error, what it continues is not said again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.real.runtimes.gateway import gateway_over
from tests.real.test_llamacpp_real import port as port

pytestmark = pytest.mark.timeout(300)
WAYS = pytest.mark.parametrize("stream", [True, False])


def saying(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


@WAYS
async def test_thinking_off_is_off_and_on_is_on(port: int, tmp_path: Path, stream: bool) -> None:
    async with gateway_over("llamacpp", f"http://127.0.0.1:{port}", tmp_path) as gateway:
        off = await gateway.ask(messages=saying("Say hello."), max_tokens=16, stream=stream)
        on = await gateway.ask(
            messages=saying("Say hello."), max_tokens=16, stream=stream, thinking={"type": "enabled"}
        )
    assert (bool(off.content), off.reasoning) == (True, "")
    assert on.reasoning


@WAYS
async def test_a_prefix_is_continued_and_not_said_again(port: int, tmp_path: Path, stream: bool) -> None:
    begun = {"role": "assistant", "content": "The capital of", "prefix": True}
    messages = [*saying("What is the capital of France?"), begun]
    async with gateway_over("llamacpp", f"http://127.0.0.1:{port}", tmp_path) as gateway:
        answer = await gateway.ask(
            path="/beta/chat/completions", messages=messages, temperature=0, max_tokens=6, stream=stream
        )
    assert answer.content.startswith(" France")
    assert "LCP005" in answer.quirks


@WAYS
async def test_what_the_server_cached_shows(port: int, tmp_path: Path, stream: bool) -> None:
    long = saying("Remember these words: " + "tide gate moon shore " * 40 + f"({stream})")
    async with gateway_over("llamacpp", f"http://127.0.0.1:{port}", tmp_path) as gateway:
        for _ in range(2):
            answer = await gateway.ask(messages=long, max_tokens=2, stream=stream)
    usage = answer.usage
    assert usage["prompt_cache_hit_tokens"] > 100
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]


@WAYS
async def test_what_does_not_fit_is_a_mistake_of_the_request(port: int, tmp_path: Path, stream: bool) -> None:
    async with gateway_over("llamacpp", f"http://127.0.0.1:{port}", tmp_path) as gateway:
        status, text = await gateway.refusal(messages=saying("word " * 4000), stream=stream)
    assert (status, "maximum context length is 2048 tokens" in text) == (400, True)


async def test_a_model_that_nobody_serves_is_not_answered(port: int, tmp_path: Path) -> None:
    """The server itself would answer to any name."""
    async with gateway_over("llamacpp", f"http://127.0.0.1:{port}", tmp_path) as gateway:
        status, _ = await gateway.refusal(messages=saying("Hi"), model="box/nope")
    assert status == 404
