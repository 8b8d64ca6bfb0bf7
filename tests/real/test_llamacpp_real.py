"""A real llama.cpp server that somebody else started: found by its fingerprint, spoken to in its dialect."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from tests.support.asgi import call

from tidegate.app import App
from tidegate.backends.probe import WATCH_LIMITS, Probe
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import runtimes
from tidegate.config import parse_config

SERVER = """
import os, sys
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
import xllamacpp
path, template = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path, params.chat_template = path, template
params.n_ctx, params.n_parallel, params.kv_unified = 2048, 2, True
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.use_jinja, params.ui, params.verbosity = True, False, 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture(scope="module")
def port(model_path: Path) -> Generator[int]:
    template = resources.files("tidegate.backends").joinpath("demo_chat.jinja").read_text()
    command = [sys.executable, "-c", SERVER, str(model_path), template]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline().rsplit(b":", 1)[1])
        assert server.stdin is not None
        server.stdin.close()


async def test_it_is_found_by_its_fingerprint_and_by_no_other(port: int) -> None:
    watcher = Transport(WATCH_LIMITS)
    everywhere = tuple(replace(runtime, port=port) for runtime in runtimes())
    found = await Probe(watcher, watcher, everywhere, frozenset()).find()
    assert [backend.name for backend in found] == ["llamacpp"]
    await found[0].refresh()
    assert found[0].view.health == "up"
    assert found[0].view.models
    assert found[0].slots.total == 2, "as it was started with"
    watcher.close()


async def test_it_gets_no_more_than_it_has_slots_and_the_others_wait_here(port: int, tmp_path: Path) -> None:
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"box": {"kind": "llamacpp", "base_url": f"http://127.0.0.1:{port}"}},
    }
    async with App(parse_config(written), {}, tmp_path, None) as app:
        slots = app.registry.backends[0].slots
        body = {"model": "box", "messages": [{"role": "user", "content": "Count."}], "max_tokens": 4, "stream": True}
        asking = [
            asyncio.create_task(call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode()))
            for _ in range(5)
        ]
        seen: set[tuple[int, int]] = set()
        while not all(one.done() for one in asking):
            seen.add((slots.used, slots.waiting))
            await asyncio.sleep(0)
    assert [(await one).status for one in asking] == [200] * 5
    assert {used for used, _ in seen} <= {0, 1, 2}
    assert (2, 3) in seen


@pytest.mark.parametrize(("thinking", "stream"), [("enabled", True), ("disabled", True), ("disabled", False)])
async def test_it_speaks_the_contract(port: int, tmp_path: Path, thinking: str, stream: bool) -> None:
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"box": {"kind": "llamacpp", "base_url": f"http://127.0.0.1:{port}/v1"}},
    }
    async with App(parse_config(written), {}, tmp_path, None) as app:
        asked = {
            "model": "box",
            "messages": [{"role": "user", "content": "Say hello."}],
            "max_tokens": 24,
            "thinking": {"type": thinking},
            "stream": stream,
        }
        reply = await call(
            app.asgi, "POST", "/chat/completions", json.dumps(asked).encode(), {"x-tidegate-class": "private"}
        )
    assert reply.status == 200
    assert reply.headers["x-tidegate-boundary"] == "device"
    assert "LCP002" in reply.headers["x-tidegate-quirks"]
    assert ("LCP001" in reply.headers["x-tidegate-quirks"]) is not stream
    assert (b'"reasoning_content":"' in reply.body) is (thinking == "enabled")
    assert b'"prompt_cache_hit_tokens":' in reply.body
    assert b"timings" not in reply.body


@pytest.mark.parametrize("kind", ["ollama", "vllm", "sglang", "lmstudio"])
async def test_configured_as_another_runtime_it_is_told_nothing(port: int, tmp_path: Path, kind: str) -> None:
    backend = {"kind": kind, "base_url": f"http://127.0.0.1:{port}", "models": ["m"], "stays_home": kind == "lmstudio"}
    written = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "backends": {"box": backend}}
    async with App(parse_config(written), {}, tmp_path, None) as app:
        view = app.registry.backends[0].view
        asked = json.dumps({"model": "box", "messages": [{"role": "user", "content": "Say hello."}]}).encode()
        reply = await call(app.asgi, "POST", "/chat/completions", asked, {"x-tidegate-class": "private"})
    assert (view.boundary.value, view.accepts.value) == ("external", "public")
    assert "LOC001" in view.note
    assert reply.status == 403
    assert b"box: RTE014" in reply.body
