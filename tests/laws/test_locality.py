"""The law: nothing above public reaches a server that is not what was configured, whatever takes its port and when.

Generated lives of one port (runtimes come, go, load, are replaced with and without their connections being cut) are
played against a real gateway over real sockets. Who may be told what is worked out here, independently of the gateway.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.asgi import call
from tests.support.fingerprints import OLLAMA_STATUS_OFF, SHOWN, listed, tags
from tests.support.upstreams import Request, Upstream, head, in_chunk, whole_reply

from tidegate.app import App
from tidegate.backends.attestation import Attestation
from tidegate.backends.transport import Transport
from tidegate.config import parse_config
from tidegate.ledger.store import Ledger

Who = Literal[
    "llamacpp",
    "llamacpp that closes",
    "vllm",
    "sglang",
    "lmstudio",
    "ollama",
    "ollama, cloud off",
    "ollama, too old",
    "ollama, m is remote",
    "a proxy",
    "says yes to everything",
    "llamacpp, loading",
    "nobody",
]
Turn = Literal["no", "keeps its connection", "cuts its connection"]
KINDS = ("llamacpp", "vllm", "sglang", "ollama", "lmstudio")
OLLAMA_MODELS = {"/api/tags": tags("m", "n"), "/v1/models": listed("library", "m", "n")}
FACES: dict[Who, dict[str, bytes]] = {
    **{kind: SHOWN[kind] for kind in KINDS},
    "llamacpp that closes": SHOWN["llamacpp"],
    "ollama": SHOWN["ollama"] | OLLAMA_MODELS,
    "ollama, cloud off": SHOWN["ollama"] | OLLAMA_MODELS | {"/api/status": OLLAMA_STATUS_OFF},
    "ollama, too old": {path: body for path, body in SHOWN["ollama"].items() if path != "/api/status"},
    "ollama, m is remote": SHOWN["ollama"] | OLLAMA_MODELS | {"/api/tags": tags("n", remote=("m",))},
    "a proxy": {"/v1/models": listed("openai", "m", "n"), "/health": b'{"status":"ok"}'},
}
TRUE: dict[str, tuple[Who, ...]] = {
    "llamacpp": ("llamacpp", "llamacpp that closes"),
    "vllm": ("vllm",),
    "sglang": ("sglang",),
    "lmstudio": ("lmstudio",),
    "ollama": ("ollama", "ollama, cloud off", "ollama, m is remote"),
}
LINES = (
    b'{"model":"m","created_at":"2026-11-24T00:00:00Z","message":{"role":"assistant","content":"Hi"},"done":false}\n'
    b'{"model":"m","created_at":"2026-11-24T00:00:00Z","message":{"role":"assistant","content":""},"done":true,'
    b'"done_reason":"stop","prompt_eval_count":2,"eval_count":1}\n'
)


class Port(Upstream):
    """A port on which anybody may listen. A connection stays with whoever took it."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.who: Who = "nobody"
        self.turns: Turn = "no"
        self.told: list[tuple[Who, bytes]] = []
        self._lines: dict[Any, Who] = {}

    def replace(self, who: Who, turns: Turn, *, cuts: bool) -> None:
        self.who, self.turns = who, turns
        if cuts:
            for writer in self._lines:
                writer.transport.abort()
            self._lines.clear()

    async def _answer(self, request: Request) -> bool:
        who = self._lines.setdefault(request.writer, self.who)
        if who == "nobody":
            return False
        if request.body:
            self.told.append((who, request.body))
        await request.reply(self._reply(who, request))
        if not request.body and self.turns != "no":
            self.who, turns, self.turns = "a proxy", self.turns, "no"
            return turns == "keeps its connection"
        return who != "llamacpp that closes"

    def _reply(self, who: Who, request: Request) -> bytes:
        if request.body:
            if request.head.startswith(b"POST /api/chat "):
                return head("200 OK", "application/x-ndjson") + in_chunk(LINES) + in_chunk(b"")
            return whole_reply(request.body)
        if who == "says yes to everything":
            return head("200 OK", length=2) + b"{}"
        if who == "llamacpp, loading":
            return head("503 Service Unavailable", length=2) + b"{}"
        body = FACES[who].get(request.head.split(b" ")[1].decode())
        close = ("Connection: close",) if who == "llamacpp that closes" else ()
        if body is None:
            return head("404 Not Found", "application/json", *close, length=2) + b"{}"
        return head("200 OK", "application/json", *close, length=len(body)) + body


def may_hear(kind: str, who: Who, asked: bytes) -> bool:
    """The test's own reading of the promise: the right server, and of an Ollama a model that it runs itself."""
    if who not in TRUE[kind]:
        return False
    if kind != "ollama":
        return True
    name, _, place = json.loads(asked)["model"].rpartition(":")
    return place == "local" and not (who == "ollama, m is remote" and name in ("m", "m:latest"))


@dataclass
class World:
    loop: asyncio.AbstractEventLoop
    port: Port
    ledger: Ledger
    requests: int = 0
    kept: int = 0
    leaks: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    loop = asyncio.new_event_loop()
    port = Port()
    loop.run_until_complete(port.start())
    ledger = Ledger(tmp_path / "ledger.sqlite3", flush_interval_s=0.05)
    ledger.open()
    yield World(loop, port, ledger)
    ledger.close()
    loop.run_until_complete(port.stop())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


steps = st.fixed_dictionaries(
    {
        "who": st.none() | st.sampled_from(get_args(Who)) | st.just("itself"),
        "turns": st.sampled_from(("no", "no", *get_args(Turn))),
        "cuts": st.booleans(),
        "looks": st.booleans(),
        "class": st.sampled_from(["public", "internal", "private", "private"]),
        "model": st.sampled_from(["box", "box/m", "box/n", "local", "auto", "m", "n"]),
        "stream": st.booleans(),
    }
)


def app_over(world: World, kind: str, boundary: str, models: list[str]) -> App:
    backend: dict[str, Any] = {"kind": kind, "base_url": world.port.url, "boundary": boundary, "models": models}
    backend |= {"networks": ["127.0.0.0/8"], "stays_home": kind == "lmstudio"}
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "retry": {"backoff_s": 0.001, "longest_backoff_s": 0.001},
        "breaker": {"failures": 1000},
        "profiles": {"measure": False},
        "backends": {"box": backend},
    }
    app = App(parse_config(written), {}, world.ledger.path.parent, None)
    app.ledger = world.ledger
    app.compose()
    return app


async def play(world: World, app: App, kind: str, lived: list[dict[str, Any]]) -> None:
    port = world.port
    port.replace("nobody", "no", cuts=True)
    for step in lived:
        if step["who"] is not None:
            port.replace(kind if step["who"] == "itself" else step["who"], step["turns"], cuts=step["cuts"])
        if step["looks"]:
            await app.registry.refresh()
        world.requests += 1
        canary = f"canary-{world.requests:08d}-zq"
        begin = len(port.told)
        body = {"model": step["model"], "stream": step["stream"], "messages": [{"role": "user", "content": canary}]}
        headers = {"x-tidegate-class": step["class"]}
        reply = await call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode(), headers)
        world.statuses[reply.status] = world.statuses.get(reply.status, 0) + 1
        for who, asked in port.told[begin:]:
            bound = step["class"] != "public" or step["model"] == "local"
            if canary.encode() in asked and bound and not may_hear(kind, who, asked):
                world.leaks.append(f"{who} for {kind}: {step} in {lived}")
            world.kept += bound and reply.status == 200
    app.close_connections()


def run_law(world: World, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        kind=st.sampled_from(KINDS),
        boundary=st.sampled_from(["device", "private"]),
        models=st.sampled_from([[], ["m", "n"]]),
        lived=st.lists(steps, min_size=6, max_size=14),
    )
    def law(kind: str, boundary: str, models: list[str], lived: list[dict[str, Any]]) -> None:
        world.loop.run_until_complete(play(world, app_over(world, kind, boundary, models), kind, lived))

    law()


async def asks_nothing(*_: Any) -> None:
    return None


def nobody_is_asked() -> AbstractContextManager[Any]:
    return patch.object(Attestation, "greet", asks_nothing)


async def believes_what_was_seen(self: Transport, pool: Any, _greeting: Any, asked: Any) -> Any:
    return await self._begin(await self._connect(pool, pool.put), pool.payload(asked), asked.first_byte_s)


def remote_models_are_not_told() -> AbstractContextManager[Any]:
    return patch.object(Attestation, "_is_remote", lambda self, model: False)


@pytest.mark.timeout(300)
def test_no_server_but_the_right_one_is_told_what_must_stay(world: World) -> None:
    run_law(world, 400)
    assert world.leaks == []
    assert world.requests > 3000
    assert world.kept > world.requests / 10, "the right server must be told, or this law proves nothing"
    assert 500 not in world.statuses, "no second wall was needed and nothing crashed"
    assert {200, 403, 503} <= world.statuses.keys()
    print(f"{world.requests} requests, {world.kept} kept at home and answered, by status {world.statuses}")


def test_with_routing_broken_it_still_holds(world: World) -> None:
    with patch("tidegate.routing.decide.forbids", lambda view, data_class: None):
        run_law(world, 60)
    assert world.leaks == []


def test_with_the_class_check_of_the_transport_broken_it_still_holds(world: World) -> None:
    with patch("tidegate.backends.transport.check_class", lambda endpoint, data_class: None):
        run_law(world, 60)
    assert world.leaks == []


def test_if_nobody_is_asked_the_law_sees_the_leak(world: World) -> None:
    with nobody_is_asked():
        run_law(world, 60)
    assert len(world.leaks) > 20


def test_if_only_a_look_now_and_then_were_believed_the_law_sees_the_leak(world: World) -> None:
    with patch.object(Transport, "_greet_and_begin", believes_what_was_seen):
        run_law(world, 60)
    assert len(world.leaks) > 20


def live_with_a_remote_model(world: World) -> None:
    """Every way to ask for it, seen before or not."""
    for models in ([], ["m", "n"]):
        for looks in (True, False):
            for model in ("box", "box/m", "local", "m"):
                who: Who = "ollama, m is remote"
                step = {"who": who, "turns": "no", "cuts": True, "looks": looks, "class": "private", "stream": True}
                app = app_over(world, "ollama", "device", models)
                asked = [{**step, "model": model}, {**step, "who": None, "model": "box/n", "looks": True}]
                world.loop.run_until_complete(play(world, app, "ollama", asked))


def test_a_model_that_another_machine_runs_is_never_told_and_its_neighbour_is(world: World) -> None:
    live_with_a_remote_model(world)
    assert world.leaks == []
    assert world.kept >= 16


def test_if_remote_models_were_not_told_the_law_sees_the_leak(world: World) -> None:
    with remote_models_are_not_told():
        live_with_a_remote_model(world)
    assert len(world.leaks) >= 8
    assert all(leak.startswith("ollama, m is remote") for leak in world.leaks)


async def test_a_server_that_was_away_at_the_start_is_asked_when_it_is_needed_and_not_later(tmp_path: Path) -> None:
    port = Port()
    await port.start()
    written = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "profiles": {"measure": False}}
    box = {"kind": "llamacpp", "base_url": port.url, "models": ["m"]}
    body = json.dumps({"model": "box", "messages": [{"role": "user", "content": "hello"}]}).encode()
    private = {"x-tidegate-class": "private"}
    async with App(parse_config({**written, "backends": {"box": box}}), {}, tmp_path, None) as app:
        assert app.registry.backends[0].view.health == "down"
        away = await call(app.asgi, "POST", "/chat/completions", body, private)
        port.replace("llamacpp", "no", cuts=True)
        there = await call(app.asgi, "POST", "/chat/completions", body, private)
    await port.stop()
    assert (away.status, there.status) == (503, 200)
    assert there.headers["x-tidegate-boundary"] == "device"
