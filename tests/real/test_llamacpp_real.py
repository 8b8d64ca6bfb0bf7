"""A real llama.cpp server that somebody else started: found by its fingerprint, spoken to in its dialect."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.support.asgi import call

from tidegate.app import App
from tidegate.backends.probe import WATCH_LIMITS, Probe
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import runtimes
from tidegate.codecs.openai_chat.chunks import ChunkDecoder
from tidegate.config import parse_config
from tidegate.core.events import End
from tidegate.core.fold import Folding

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
    assert found[0].room.slots == 2, "as it was started with"
    watcher.close()


async def test_it_gets_no_more_than_it_has_slots_and_the_others_wait_here(port: int, tmp_path: Path) -> None:
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"box": {"kind": "llamacpp", "base_url": f"http://127.0.0.1:{port}"}},
    }
    async with App(parse_config(written), {}, tmp_path, None) as app:
        body = {"model": "box", "messages": [{"role": "user", "content": "Count."}], "max_tokens": 4, "stream": True}
        asking = [
            asyncio.create_task(call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode()))
            for _ in range(5)
        ]
        seen: set[tuple[int, int]] = set()
        while not all(one.done() for one in asking):
            seen.update((lane.used, lane.waiting) for lane in app.lanes.view())
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


CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 8}, "unit": {"enum": ["C", "F"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
SUM: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/small"}, "b": {"$ref": "#/$defs/small"}},
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"small": {"enum": list(range(20))}},
}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": CITY}},
    {"type": "function", "function": {"name": "add", "description": "Adds two numbers", "parameters": SUM}},
]
NAMED = {"type": "function", "function": {"name": "add"}}
QUESTIONS = ["Weather in Paris?", "Add 7 and 5.", "How hot is it in Tokyo?", "What is 3 plus 4?", "Is it cold in Oslo?"]
TIMES = {"llamacpp": 50, "embedded": 10}
"""The engine is the same; only the road to it is another."""
IN_FLIGHT = 4


@asynccontextmanager
async def gateway(kind: str, port: int, model_path: Path, tmp_path: Path) -> AsyncIterator[App]:
    """The gateway before the server that was found, or before its own engine; the backend is called `box`."""
    written: dict[str, Any] = {"probe": {"enabled": False}, "embedded": {"enabled": kind == "embedded", "threads": 1}}
    if kind == "embedded":
        written["aliases"] = {"box": {"targets": ["embedded"]}}
    else:
        written["embedded"], written["profiles"] = {"enabled": False}, {"measure": False}
        written["backends"] = {"box": {"kind": kind, "base_url": f"http://127.0.0.1:{port}/v1"}}
    async with App(parse_config(written), {}, tmp_path, model_path if kind == "embedded" else None) as app:
        yield app


async def answers_of(app: App, times: int, fields: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages and finish reasons of so many answers, every other one streamed, some in flight at once."""
    places = asyncio.Semaphore(IN_FLIGHT)

    async def ask(index: int) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": "box",
            "messages": [{"role": "user", "content": QUESTIONS[index % len(QUESTIONS)]}],
            "thinking": {"type": "disabled"},
            "max_tokens": 120,
            "temperature": 0.2,  # at the contract's 1 a model of this size writes white space without end
            "seed": index,
            "stream": bool(index % 2),
            **fields(index),
        }
        async with places:
            reply = await call(app.asgi, "POST", "/chat/completions", json.dumps(asked).encode())
        assert reply.status == 200, reply.body
        return streamed_message(reply.body) if asked["stream"] else whole_message(reply.body)

    return list(await asyncio.gather(*map(ask, range(times))))


def whole_message(body: bytes) -> dict[str, Any]:
    choice = json.loads(body)["choices"][0]
    calls = [call["function"] for call in choice["message"].get("tool_calls", ())]
    return {"finish": choice["finish_reason"], "text": choice["message"]["content"], "calls": calls}


def streamed_message(body: bytes) -> dict[str, Any]:
    assert body.endswith(b"data: [DONE]\n\n")
    folding = Folding()
    decoder = ChunkDecoder()
    for line in body.split(b"\n\n")[:-2]:
        for event in decoder.decode(json.loads(line.removeprefix(b"data: "))):
            folding.add(event)
    folding.add(End())
    answer = folding.answer()
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {"finish": answer.finish, "text": answer.text, "calls": calls}


each_engine = pytest.mark.parametrize("kind", ["llamacpp", "embedded"])


@each_engine
async def test_a_forced_tool_is_called_each_time_with_arguments_that_fit(
    kind: str, port: int, model_path: Path, tmp_path: Path
) -> None:
    async with gateway(kind, port, model_path, tmp_path) as app:
        said = await answers_of(
            app, TIMES[kind], lambda at: {"tools": TOOLS, "tool_choice": NAMED if at % 5 == 0 else "required"}
        )
    fitting = {name: jsonschema_rs.validator_for(schema) for name, schema in (("get_weather", CITY), ("add", SUM))}
    assert len(said) == TIMES[kind]
    for index, one in enumerate(said):
        assert (one["finish"], one["text"], len(one["calls"])) == ("tool_calls", "", 1)
        called = one["calls"][0]
        assert fitting[called["name"]].is_valid(json.loads(called["arguments"]))
        assert index % 5 or called["name"] == "add"


@each_engine
async def test_json_is_json_each_time(kind: str, port: int, model_path: Path, tmp_path: Path) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": CITY}}
    async with gateway(kind, port, model_path, tmp_path) as app:
        said = await answers_of(app, TIMES[kind], lambda _: {"response_format": form})
    fitting = jsonschema_rs.validator_for(CITY)
    assert [one["finish"] for one in said] == ["stop"] * TIMES[kind]
    assert all(fitting.is_valid(json.loads(one["text"])) for one in said)


async def test_a_thought_leaves_room_for_json(port: int, model_path: Path, tmp_path: Path) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": {"enum": ["yes", "no"]}}}
    asked = {
        "model": "box",
        "messages": [{"role": "user", "content": "Is the sea salty?"}],
        "max_tokens": 40,
        "response_format": form,
    }
    async with gateway("llamacpp", port, model_path, tmp_path) as app:
        reply = await call(app.asgi, "POST", "/chat/completions", json.dumps(asked).encode())
    assert "LCP010" in reply.headers["x-tidegate-quirks"]
    choice = json.loads(reply.body)["choices"][0]
    assert (choice["finish_reason"], json.loads(choice["message"]["content"])) in [("stop", "yes"), ("stop", "no")]
    assert choice["message"]["reasoning_content"]


async def test_what_it_can_do_is_measured_kept_and_shown(port: int, tmp_path: Path) -> None:
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"box": {"kind": "llamacpp", "base_url": f"http://127.0.0.1:{port}/v1"}},
    }
    seen: list[Any] = []
    for _ in range(2):
        async with App(parse_config(written), {}, tmp_path, None) as app:
            await app.registry.learned()
            status = await call(app.asgi, "GET", "/-/status")
            seen.append(json.loads(status.body)["backends"][0]["profiles"][0])
    first, again = seen
    assert first == again, "kept in the state folder for the same version"
    assert (first["traits"]["window_tokens"], first["traits"]["opens_inside"]) == (2048, False)
    facts = {name: (fact["way"], fact["basis"], fact["code"]) for name, fact in first["facts"].items()}
    assert facts["thinking_off"][:2] == ("native", "measured")
    assert facts["json"][:2] == ("native", "measured")
    assert facts["forced_tools"] == ("emulated", "measured", "LCP006")
    assert facts["prefix"][:2] == ("native", "measured")
    assert facts["fim"] == ("refused", "measured", "PRF002"), "this model has no tokens for it, and the server says so"
