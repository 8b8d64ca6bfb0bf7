"""The embedded engine as it really is: xllamacpp, the demo model, one thread, requests over a real socket."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tidegate.backends.engine import Engine, EngineAddress, EngineSettings
from tidegate.catalog.embedded import embedded_model
from tidegate.core.errors import BackendUnreachable

pytest.importorskip("xllamacpp")

# A loaded machine with two cores needs seconds where a quiet one needs half a second.
PATIENCE_S = 120.0

Json = dict[str, Any]

QUESTION = [{"role": "user", "content": "Explain how tides work."}]


def settings(model: Path) -> EngineSettings:
    template = files("tidegate.backends").joinpath("demo_chat.jinja").read_text(encoding="utf-8")
    return EngineSettings(model, embedded_model().id, 2048, 2, 1, template, PATIENCE_S)


@pytest.fixture
async def engine(model_path: Path) -> AsyncIterator[Engine]:
    running = Engine(settings(model_path))
    running.start()
    yield running
    await running.stop()


def call(address: EngineAddress, method: str, path: str, body: Json | None = None, key: str | None = None) -> Any:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE_S)
    try:
        headers = {"Authorization": f"Bearer {address.key if key is None else key}", "Origin": "https://example.org"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


async def chat(address: EngineAddress, **fields: Any) -> Json:
    body: Json = {"messages": QUESTION, "max_tokens": 8, "temperature": 0} | fields
    status, _, text = await asyncio.to_thread(call, address, "POST", "/v1/chat/completions", body)
    assert status == 200, text
    return json.loads(text)


def deltas(stream: str) -> Iterator[Json]:
    for line in stream.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))["choices"][0]["delta"]


async def test_it_chats_with_its_key_and_no_other(engine: Engine) -> None:
    address = await engine.address(PATIENCE_S)
    answer = await chat(address)
    assert answer["model"] == embedded_model().id
    assert answer["usage"]["completion_tokens"] == 8
    message = answer["choices"][0]["message"]
    assert message["content"] and not message.get("reasoning_content"), "thinking is for those who ask"

    for key in ("", "wrong", address.key + "x"):
        status, headers, _ = await asyncio.to_thread(call, address, "GET", "/v1/models", None, key)
        assert status == 401
        assert headers.get("Access-Control-Allow-Origin", "") == ""


async def test_thinking_is_separated_and_ends_in_an_answer(engine: Engine) -> None:
    address = await engine.address(PATIENCE_S)
    body: Json = {
        "messages": QUESTION,
        "max_tokens": 40,
        "temperature": 0,
        "stream": True,
        "chat_template_kwargs": {"enable_thinking": True},
        "thinking_budget_tokens": 24,
    }
    status, _, stream = await asyncio.to_thread(call, address, "POST", "/v1/chat/completions", body)
    assert status == 200, stream
    kinds = [next((k for k in ("reasoning_content", "content") if delta.get(k)), "") for delta in deltas(stream)]
    spoken = [kind for kind in kinds if kind]
    switch = spoken.index("content")
    assert 0 < switch <= 25
    assert set(spoken[:switch]) == {"reasoning_content"} and set(spoken[switch:]) == {"content"}
    assert "think>" not in stream
    assert stream.rstrip().endswith("data: [DONE]")


async def test_the_template_renders_history_tools_and_parts(engine: Engine) -> None:
    address = await engine.address(PATIENCE_S)
    calls = [{"id": "c1", "type": "function", "function": {"name": "tide_at", "arguments": '{"place": "Brest"}'}}]
    body: Json = {
        "tools": [{"type": "function", "function": {"name": "tide_at", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
            {"role": "user", "content": "High tide?"},
            {"role": "assistant", "content": "", "reasoning_content": "Look it up.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "06:10"},
        ],
    }
    status, _, text = await asyncio.to_thread(call, address, "POST", "/apply-template", body)
    assert status == 200, text
    prompt: str = json.loads(text)["prompt"]
    assert prompt.startswith("<|im_start|>system\nBe brief.\n\n# Tools\n\n")
    assert prompt.count("<tools>\n{") == 1 and '"name": "tide_at"' in prompt
    assert prompt.endswith(
        "<|im_start|>user\nHigh tide?<|im_end|>\n"
        "<|im_start|>assistant\n<think>\nLook it up.\n</think>\n\n"
        '<tool_call>\n{"name": "tide_at", "arguments": {"place": "Brest"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\n06:10\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


async def test_it_survives_ctrl_c_and_comes_back_from_a_kill(engine: Engine) -> None:
    first = await engine.address(PATIENCE_S)
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    await chat(first)
    assert engine.pid == pid

    os.kill(pid, signal.SIGKILL)
    with pytest.raises(OSError):
        while True:  # the kernel closes the socket together with the process; until then it answers
            await asyncio.to_thread(call, first, "GET", "/health")
    async with asyncio.timeout(PATIENCE_S):
        second = await engine.address(PATIENCE_S)
        while second.key == first.key:  # the end of the child was not noticed yet
            await asyncio.sleep(0)
            second = await engine.address(PATIENCE_S)
    await chat(second)
    assert (engine.restarts, engine.state) == (1, "ready")
    assert engine.pid not in (None, pid)


async def test_a_broken_model_is_explained(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    engine = Engine(settings(broken))
    engine.start()
    with pytest.raises(BackendUnreachable, match="invalid magic characters"):
        await engine.address(PATIENCE_S)
    assert engine.state == "failed"
    await engine.stop()


GATEWAY = """
import asyncio, sys
from pathlib import Path
from tidegate.backends.engine import Engine, EngineSettings

async def main():
    engine = Engine(EngineSettings(Path(sys.argv[1]), "m", 512, 1, 1, "{{ messages[0].content }}"))
    engine.start()
    await engine.address(120)
    print(engine.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="waits on a pidfd")
def test_no_engine_outlives_a_killed_gateway(model_path: Path) -> None:
    command = [sys.executable, "-c", GATEWAY, str(model_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout
        child = os.pidfd_open(int(gateway.stdout.readline()))
        try:
            assert not select.select([child], [], [], 0)[0], "the engine should be running"
            gateway.kill()
            gateway.wait(PATIENCE_S)
            assert select.select([child], [], [], PATIENCE_S)[0], "the engine outlived its gateway"
        finally:
            os.close(child)
