"""The law: no byte of a private prompt reaches an external backend, whatever fails and whatever the client asks for.

Generated policies and requests run through the whole gateway against real sockets: a cloud that records every byte and
local backends that fail in every way. The class of each request is worked out here, independently of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.asgi import Reply, call
from tests.support.upstreams import FAILURES, FailingLocal, Failure, RecordingCloud

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured
from tidegate.ledger.store import Ledger

REQUESTS_AT_LEAST = 10_000
RANKS = {"public": 0, "internal": 1, "private": 2}
CLASSES = tuple(RANKS)
ORDERS = ("configured", "hosted-first", "local-first", "by-needs", "balanced")
SHADOWS = ("cloud", "cloud/m", "home", "den/m", "gone")


@dataclass
class World:
    """The servers and what happened, shared by all examples of one test."""

    loop: asyncio.AbstractEventLoop
    cloud: RecordingCloud
    local: FailingLocal
    second: FailingLocal
    ledger: Ledger
    requests: int = 0
    private: int = 0
    refused_configs: int = 0
    canaries: int = 0
    leaks: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    loop = asyncio.new_event_loop()
    cloud = RecordingCloud()
    local, second = FailingLocal(cloud), FailingLocal(cloud)
    servers = (cloud, local, second)
    for server in servers:
        loop.run_until_complete(server.start())
    ledger = Ledger(tmp_path / "ledger.sqlite3", flush_interval_s=0.05)
    yield World(loop, cloud, local, second, ledger)
    for server in servers:
        loop.run_until_complete(server.stop())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


names = st.sampled_from(["cloud", "home", "den", "gone", "home/m", "cloud/m", "cloud/deepseek-flash"])
optional_class = st.none() | st.sampled_from(CLASSES)
policies = st.fixed_dictionaries(
    {
        "default": st.sampled_from(CLASSES),
        "alias_targets": st.lists(names, min_size=1, max_size=3),
        "alias_class": optional_class,
        "client_class": optional_class,
        "cloud_accepts": st.sampled_from(["public", "internal"]),
        "den_boundary": st.sampled_from(["device", "private"]),
        "cloud_first": st.booleans(),
        "legacy": st.sampled_from(["reject", "rewrite"]),
        "flash_class": optional_class,
        "keep_alive_s": st.sampled_from([0, 0, 0.001]),
        "slots": st.none() | st.just(1),
        "order": st.sampled_from(ORDERS),
        "alias_order": st.none() | st.sampled_from(ORDERS),
        "answers": st.sampled_from(["first", "first", "each"]),
        "on_break": st.sampled_from(["fail", "continue", "continue"]),
        "alias_on_break": st.none() | st.sampled_from(["fail", "continue"]),
        "shadow": st.lists(st.sampled_from(SHADOWS), max_size=2, unique=True),
    }
)
tempting_fields = st.dictionaries(
    st.sampled_from(
        ["fallbacks", "api_base", "base_url", "models", "route", "provider", "metadata", "user_id", "x-tidegate-class"]
    ),
    st.sampled_from(["cloud", "cloud/m", "public", "http://127.0.0.1:1/v1"]),
    max_size=2,
)
requests = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            [
                "auto",
                "local",
                "mine",
                "cloud",
                "cloud/m",
                "cloud/deepseek-flash",
                "deepseek-flash",
                "m",
                "home",
                "den/m",
                "gone",
                "deepseek-chat",
                "claude-sonnet-9",
            ]
        ),
        "surface": st.sampled_from(["chat", "chat", "messages", "fim"]),
        "header_class": optional_class,
        "stream": st.booleans(),
        "fields": tempting_fields,
        "failures": st.tuples(st.sampled_from(FAILURES), st.sampled_from(FAILURES)),
    }
)


VOUCHED: dict[str, Any] = {
    "kind": "generic",
    "models": ["m"],
    "stays_home": True,
    "features": ["thinking_off", "prefix"],
}


def written_alias(policy: dict[str, Any]) -> dict[str, Any]:
    alias = {"targets": policy["alias_targets"], "answers": policy["answers"]}
    alias |= {"class": c} if (c := policy["alias_class"]) else {}
    alias |= {"order": order} if (order := policy["alias_order"]) else {}
    if policy["answers"] == "first" and policy["alias_on_break"]:
        alias["on_break"] = policy["alias_on_break"]
    return alias


def written(policy: dict[str, Any], world: World) -> dict[str, Any]:
    """The configuration of this policy."""
    backends: dict[str, Any] = {
        "gone": {**VOUCHED, "base_url": "http://127.0.0.1:1"},
        "home": {**VOUCHED, "base_url": world.local.url},
        "den": {
            "kind": "llamacpp",
            "base_url": world.second.url,
            "boundary": policy["den_boundary"],
            "networks": ["127.0.0.0/8"],
            "models": ["m"],
            **({"slots": 1, "queue": 0} if policy["slots"] else {}),
        },
    }
    cloud = {
        "kind": "deepseek",
        "base_url": world.cloud.url,
        "models": ["deepseek-flash", "m"],
        "accepts": policy["cloud_accepts"],
    }
    ordered = {"cloud": cloud, **backends} if policy["cloud_first"] else {**backends, "cloud": cloud}
    aliases = {"mine": written_alias(policy), **flash_alias(policy["flash_class"])}
    client = {"name": "c", "key_env": "CLIENT"} | ({"class": c} if (c := policy["client_class"]) else {})
    return {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "retry": {"backoff_s": 0.001, "longest_backoff_s": 0.001},
        "breaker": {"failures": 1000},
        "profiles": {"measure": False},
        "privacy": {"default_class": policy["default"]},
        "routing": {"order": policy["order"]},
        "streams": {"on_break": policy["on_break"]},
        # Shadows are of public requests only: elsewhere the configuration is refused.
        "shadow": {"to": policy["shadow"] if policy["default"] == "public" else []},
        "contract": {"legacy_names": policy["legacy"]},
        "timeouts": {
            "connect_s": 1.0,
            "first_byte_s": 0.01,
            "idle_s": 0.01,
            "load_s": 0.01,
            "keep_alive_s": policy["keep_alive_s"],
        },
        "backends": ordered,
        "aliases": aliases,
        "clients": [client],
    }


def flash_alias(data_class: str | None) -> dict[str, Any]:
    return {"deepseek-flash": {"targets": ["cloud/deepseek-flash", "home"], "class": data_class}} if data_class else {}


def true_class(policy: dict[str, Any], request: dict[str, Any]) -> str:
    """The highest class that anything gives this request: the test's own reading of the promise."""
    said = [policy["default"], policy["client_class"], request["header_class"]]
    if request["model"] == "mine":
        said.append(policy["alias_class"])
    if means_flash(policy, request):
        said.append(policy["flash_class"])
    return max((one for one in said if one), key=RANKS.__getitem__)


def means_flash(policy: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether the name is, or is taken for, deepseek-flash, whose alias may pin a class."""
    match request["model"]:
        case "deepseek-flash":
            return True
        case "deepseek-chat":
            return policy["legacy"] == "rewrite"
        case "claude-sonnet-9":
            return request["surface"] == "messages"
        case _:
            return False


def path_and_body(request: dict[str, Any], canary: str) -> tuple[str, dict[str, Any]]:
    common = {"model": request["model"], "stream": request["stream"], **request["fields"]}
    said = [{"role": "user", "content": canary}]
    match request["surface"]:
        case "messages":
            return "/anthropic/v1/messages", {"max_tokens": 9, "system": f"note {canary}", "messages": said, **common}
        case "fim":
            return "/beta/completions", {"prompt": canary, "suffix": f"note {canary}", **common}
        case _:
            return "/chat/completions", {"messages": [{"role": "system", "content": f"note {canary}"}, *said], **common}


async def send(app: App, world: World, request: dict[str, Any], canary: str) -> Reply:
    path, body = path_and_body(request, canary)
    headers = {"authorization": "Bearer client-key"}
    if request["header_class"]:
        headers["x-tidegate-class"] = request["header_class"]
    world.local.failure, world.second.failure = request["failures"]
    return await call(app.asgi, "POST", path, json.dumps(body).encode(), headers)


def play(world: World, policy: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    """Run one example; note each canary that the cloud heard although its class forbids it."""
    environment = {"CLIENT": "client-key", "DEEPSEEK_API_KEY": "hosted-key"}
    try:
        app = App(parse_config(written(policy, world)), environment, world.ledger.path.parent, None)
    except Misconfigured:
        world.refused_configs += 1
        return
    app.ledger = world.ledger
    app.compose()

    async def all_requests() -> None:
        for request in asked:
            world.canaries += 1
            canary = f"canary-{world.canaries:08d}-zq"
            begin = len(world.cloud.heard)
            reply = await send(app, world, request, canary)
            await app.settled()  # its shadows are over: what they did is this request's doing
            world.requests += 1
            world.statuses[reply.status] = world.statuses.get(reply.status, 0) + 1
            assert canary.encode() not in reply.body, "an answer or error text repeats the prompt"
            data_class = true_class(policy, request)
            world.private += data_class == "private"
            heard = canary.encode() in world.cloud.heard[begin:]
            if heard and RANKS[data_class] > RANKS[policy["cloud_accepts"]]:
                world.leaks.append(f"{request} under {policy}")
        app.close_connections()

    world.loop.run_until_complete(all_requests())


def booked(ledger: Path, which: str) -> int:
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        return int(database.execute(f"SELECT COUNT(*) FROM exchanges WHERE {which}").fetchone()[0])


def run_law(world: World, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(policy=policies, asked=st.lists(requests, min_size=8, max_size=16))
    def law(policy: dict[str, Any], asked: list[dict[str, Any]]) -> None:
        play(world, policy, asked)

    world.ledger.open()
    try:
        law()
    finally:
        world.ledger.close()


def routing_broken() -> AbstractContextManager[Any]:
    return patch("tidegate.routing.decide.forbids", lambda view, data_class: None)


def transport_broken() -> AbstractContextManager[Any]:
    return patch("tidegate.backends.transport.check_class", lambda endpoint, data_class: None)


@pytest.mark.timeout(600)
def test_no_byte_of_a_private_prompt_reaches_the_cloud(world: World) -> None:
    run_law(world, 1400)
    assert world.requests >= REQUESTS_AT_LEAST, f"only {world.requests} requests were played"
    assert world.private > world.requests / 4
    assert world.cloud.requests > 500, "public requests must reach the cloud, or this test proves nothing"
    assert world.leaks == []
    assert 500 not in world.statuses, "no second wall was needed and nothing crashed"
    assert {200, 403, 502, 503, 504} <= world.statuses.keys()
    beside = booked(world.ledger.path, "surface IN ('shadow', 'each')")
    assert booked(world.ledger.path, "rules LIKE '%RES010%'") > 30, "what broke off was continued, where it may be"
    assert booked(world.ledger.path, "rules LIKE '%RES014%' AND data_class = 'private'") > 30, (
        "and what may not was not"
    )
    assert min(booked(world.ledger.path, f"surface = '{one}'") for one in ("shadow", "each")) > 100
    assert booked(world.ledger.path, "surface = 'shadow' AND data_class <> 'public'") == 0
    assert world.ledger.written == world.requests + beside
    for file in world.ledger.path.parent.iterdir():
        assert b"canary-" not in file.read_bytes(), f"{file.name} holds content"
    print(f"{world.requests} requests, {world.private} private, {world.refused_configs} policies refused at start,")
    print(f"{world.cloud.requests} reached the cloud, by status {dict(sorted(world.statuses.items()))}")


def test_with_routing_broken_the_transport_still_stops_it(world: World) -> None:
    with routing_broken():
        run_law(world, 60)
    assert world.leaks == []
    assert world.statuses.get(500, 0) > 20, "the second wall was reached and held"


def test_with_the_transport_check_broken_routing_still_stops_it(world: World) -> None:
    with transport_broken():
        run_law(world, 60)
    assert world.leaks == []


def test_with_both_walls_broken_the_law_sees_the_leak(world: World) -> None:
    with ExitStack() as broken:
        broken.enter_context(routing_broken())
        broken.enter_context(transport_broken())
        run_law(world, 60)
    assert len(world.leaks) > 20, "if nothing leaks without walls, this law could not fail"


@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_alone_keeps_a_private_prompt_home(world: World, failure: Failure) -> None:
    policy = {
        "default": "public",
        "alias_targets": ["home", "cloud"],
        "alias_class": "private",
        "client_class": None,
        "cloud_accepts": "internal",
        "den_boundary": "device",
        "cloud_first": True,
        "legacy": "rewrite",
        "flash_class": None,
        "keep_alive_s": 0.001,
        "slots": 1,
        "order": "hosted-first",
        "alias_order": None,
        "answers": "first",
        "on_break": "continue",
        "alias_on_break": None,
        "shadow": ["cloud"],
    }
    ask: Callable[[str, str], dict[str, Any]] = lambda model, surface: {  # noqa: E731
        "model": model,
        "surface": surface,
        "header_class": "private",
        "stream": True,
        "fields": {"fallbacks": "cloud"},
        "failures": (failure, failure),
    }
    world.ledger.open()
    models = ("auto", "mine", "cloud", "deepseek-flash", "deepseek-chat")
    play(world, policy, [ask(model, surface) for model in models for surface in ("chat", "messages", "fim")])
    world.ledger.close()
    assert world.requests == 15
    assert world.cloud.requests == 0
    assert world.leaks == []
