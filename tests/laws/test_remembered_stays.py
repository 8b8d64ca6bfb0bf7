"""The law: remembered reasoning reaches no backend that its class forbids and no other client, whatever fails meanwhile.

Each answer's reasoning holds a canary, and repeats every canary of the reasoning that its model was shown: what was
thought about private reasoning is private too. Two clients send the same conversation and drop all reasoning; the models
stand behind real sockets. Class and owner of each canary are worked out here, independently of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.asgi import Reply, call
from tests.support.samples import WEATHER
from tests.support.strict import Thinker
from tests.support.upstreams import Failure, Request, failing_reply

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer
from tidegate.core.requests import ChatRequest
from tidegate.ledger.store import Ledger
from tidegate.pipeline.replay import ReasoningMemory

RANKS = {"public": 0, "internal": 1, "private": 2}
CANARY = re.compile(r"canary-\d{8}")
FAILS: tuple[Failure, ...] = (*("none",) * 9, "closes", "500", "wrong shape", "dies mid-stream", "error event")


class Canaried(Thinker):
    """Thinks of its canary and of all that it was shown, or fails as told."""

    def __init__(self, name: str) -> None:
        super().__init__(name, strict=False)
        self.canary = ""
        self.shown: list[set[str]] = []
        self.failure: Failure = "none"

    async def _answer(self, request: Request) -> bool:
        self.shown.append(set(CANARY.findall(request.body.decode())))
        if self.failure == "none":
            return await super()._answer(request)
        reply, stays_open = failing_reply(self.failure, request.body, "http://127.0.0.1:1")
        await request.reply(reply)
        return stays_open

    def _turn(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {**super()._turn(asked), "reasoning_content": " ".join(["深", self.canary, *sorted(self.shown[-1])])}


@dataclass
class World:
    loop: asyncio.AbstractEventLoop
    cloud: Canaried
    home: Canaried
    ledger: Ledger
    requests: int = 0
    classes: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    loop = asyncio.new_event_loop()
    cloud, home = Canaried("cloud"), Canaried("home")
    for server in (cloud, home):
        loop.run_until_complete(server.start())
    ledger = Ledger(tmp_path / "ledger.sqlite3", flush_interval_s=0.05)
    ledger.open()
    yield World(loop, cloud, home, ledger)
    ledger.close()
    for server in (cloud, home):
        loop.run_until_complete(server.stop())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


steps = st.fixed_dictionaries(
    {
        "client": st.sampled_from([*["ann"] * 7, "bob"]),
        "class": st.sampled_from([None, None, *RANKS]),
        "model": st.sampled_from(["mine", "mine", "home", "cloud", "cloud/deepseek-flash", "local"]),
        "stream": st.booleans(),
        "failure": st.sampled_from(FAILS),
        "asks": st.booleans(),
    }
)


def app_over(world: World, accepts: str, default: str) -> App:
    clients = [{"name": name, "key_env": name.upper()} for name in ("ann", "bob")]
    config = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "retry": {"backoff_s": 0.001, "longest_backoff_s": 0.001},
        "breaker": {"failures": 1000},
        "profiles": {"measure": False},
        # Conversations that stick are another wall; here the memory's own must hold.
        "privacy": {"default_class": default, "sticky_s": 0},
        "backends": {
            "home": {
                "kind": "generic",
                "base_url": world.home.url,
                "models": ["m"],
                "stays_home": True,
                "features": ["thinking_off"],
            },
            "cloud": {"kind": "deepseek", "base_url": world.cloud.url, "accepts": accepts},
        },
        "aliases": {"mine": {"targets": ["home", "cloud"]}},
        "clients": clients,
    }
    environment = {"ANN": "key-ann", "BOB": "key-bob", "DEEPSEEK_API_KEY": "hosted"}
    app = App(parse_config(config), environment, world.ledger.path.parent, None)
    app.ledger = world.ledger
    app.compose()
    return app


async def ask(app: App, world: World, step: dict[str, Any], messages: list[dict[str, Any]]) -> Reply:
    world.home.failure = step["failure"]
    body = {"model": step["model"], "messages": messages, "tools": [WEATHER], "stream": step["stream"]}
    headers = {"authorization": f"Bearer key-{step['client']}"}
    if step["class"]:
        headers["x-tidegate-class"] = step["class"]
    return await call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode(), headers)


async def talk(world: World, app: App, accepts: str, default: str, played: list[dict[str, Any]]) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Is it cold?"}]
    for step in played:
        world.requests += 1
        canary = world.cloud.canary = world.home.canary = f"canary-{world.requests:08d}"
        world.classes[canary] = max((one for one in (default, step["class"]) if one), key=RANKS.__getitem__)
        world.owners[canary] = step["client"]
        heard, thought = len(world.cloud.shown), len(world.home.shown)
        reply = await ask(app, world, step, messages)
        world.statuses[reply.status] = world.statuses.get(reply.status, 0) + 1
        to_cloud = set[str]().union(*world.cloud.shown[heard:])
        world.leaks += [one for one in to_cloud if RANKS[world.classes[one]] > RANKS[accepts]]
        to_all = to_cloud.union(*world.home.shown[thought:])
        world.mixed += [one for one in to_all if world.owners[one] != step["client"]]
        if reply.status == 200 and b'"error"' not in reply.body:
            messages += followed(turn_of(reply.body, streamed=step["stream"]), asks=step["asks"])


def turn_of(body: bytes, *, streamed: bool) -> dict[str, Any]:
    """The turn that this client sends back: without its reasoning."""
    if not streamed:
        turn = json.loads(body)["choices"][0]["message"]
        del turn["reasoning_content"]
        return turn
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in body.splitlines() if line.startswith(b"data: {")]
    turn = {"role": "assistant", "content": "".join(delta.get("content") or "" for delta in deltas)}
    calls = [called for delta in deltas for called in delta.get("tool_calls", ())]
    return turn | ({"tool_calls": calls} if calls else {})


def followed(turn: dict[str, Any], *, asks: bool) -> list[dict[str, Any]]:
    results = [{"role": "tool", "tool_call_id": one["id"], "content": "3"} for one in turn.get("tool_calls", ())]
    return [turn, *results, *([{"role": "user", "content": "And now?"}] if asks or not results else [])]


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
        accepts=st.sampled_from(["public", "internal"]),
        default=st.sampled_from(["public", "public", "internal"]),
        played=st.lists(steps, min_size=6, max_size=12),
    )
    def law(accepts: str, default: str, played: list[dict[str, Any]]) -> None:
        app = app_over(world, accepts, default)
        world.loop.run_until_complete(talk(world, app, accepts, default, played))
        app.close_connections()

    law()


def shown(world: World, server: Canaried, data_class: str) -> int:
    """How often this server was shown remembered reasoning of this class."""
    return sum(world.classes[one] == data_class for found in server.shown for one in found)


@pytest.mark.timeout(300)
def test_remembered_reasoning_goes_only_where_its_class_may_go(world: World) -> None:
    run_law(world, 300)
    assert world.leaks == []
    assert world.mixed == []
    assert 500 not in world.statuses, "no second wall was needed and nothing crashed"
    for server, data_class in ((world.cloud, "public"), (world.cloud, "internal"), (world.home, "private")):
        assert shown(world, server, data_class) > 100, "what may go must go, or this law proves nothing"
    world.ledger.close()
    for file in world.ledger.path.parent.iterdir():
        assert b"canary-" not in file.read_bytes(), f"{file.name} holds reasoning"
    world.ledger.open()


def everything_may_go() -> Any:
    return patch("tidegate.pipeline.replay.may_go", lambda data_class, view: True)


def test_with_the_memorys_check_broken_the_transport_still_stops_it(world: World) -> None:
    with everything_may_go():
        run_law(world, 60)
    assert world.leaks == []
    assert world.statuses.get(500, 0) > 10, "the second wall was reached and held"


def test_with_both_walls_broken_the_law_sees_the_leak(world: World) -> None:
    with ExitStack() as broken:
        broken.enter_context(everything_may_go())
        broken.enter_context(patch("tidegate.backends.transport.check_class", lambda endpoint, data_class: None))
        run_law(world, 60)
    assert len(world.leaks) > 10, "if nothing leaks without walls, this law could not fail"


def test_what_was_thought_about_private_reasoning_would_leak_if_it_kept_the_requests_class(world: World) -> None:
    keep = ReasoningMemory._keep_answer

    def forgetting(memory: ReasoningMemory, request: ChatRequest, exchange: Exchange, answer: Answer) -> None:
        assert exchange.decision is not None
        exchange.sent_class = exchange.decision.data_class
        keep(memory, request, exchange, answer)

    with patch.object(ReasoningMemory, "_keep_answer", forgetting):
        run_law(world, 150)
    assert len(world.leaks) > 5


def test_without_the_client_in_the_key_the_law_sees_the_other_clients_reasoning(world: World) -> None:
    digest = ReasoningMemory._digest

    def anyones(memory: ReasoningMemory, scope: list[str | None]) -> Any:
        return digest(memory, [None, *scope[1:]])

    with patch.object(ReasoningMemory, "_digest", anyones):
        run_law(world, 60)
    assert len(world.mixed) > 10
