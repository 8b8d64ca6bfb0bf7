"""The admin JSON: alive, ready, what there is, and what became of one exchange. Never content, never without a key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import call
from tests.support.hands import breath
from tests.support.samples import request_body

from tidegate import __version__
from tidegate.backends.base import Room
from tidegate.backends.fake import FakeBackend
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health
from tidegate.core.errors import RateLimited
from tidegate.core.profile import FEATURES, Fact, Profile, Traits
from tidegate.core.terms import Terms
from tidegate.resilience.lane import NO_TERMS
from tidegate.routing.policy import Alias, Policy
from tidegate.surfaces.auth import Client

Build = Callable[..., Any]
ADMIN_KEY = "admin-key-0123456789abcdef"


def seen(name: str, health: Health = "up", boundary: Boundary = Boundary.DEVICE, **more: Any) -> FakeBackend:
    backend = FakeBackend(name)
    backend._view = BackendView(name, boundary, DataClass.PUBLIC, health, ("m",), **more)
    return backend


async def get(front: Any, path: str, **headers: str) -> tuple[int, Any]:
    reply = await call(front, "GET", path, headers=headers)
    return reply.status, json.loads(reply.body)


async def test_health_is_ok_even_without_any_backend_or_key(front: Build) -> None:
    assert await get(front(clients={"k": Client("c")}), "/-/health") == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("healths", "status"),
    [
        ([], 503),
        (["down"], 503),
        (["starting"], 503),
        (["starting", "down"], 503),
        (["up"], 200),
        (["unknown"], 200),
        (["down", "up"], 200),
    ],
)
async def test_ready_means_that_some_backend_could_answer(front: Build, healths: list[Health], status: int) -> None:
    made = front(*(seen(f"b{number}", health) for number, health in enumerate(healths)))
    assert await get(made, "/-/ready") == (status, {"status": "ready" if status == 200 else "waiting"})


async def test_ready_turns_when_the_backend_does(front: Build) -> None:
    backend = seen("embedded", "starting")
    made = front(backend)
    assert (await get(made, "/-/ready"))[0] == 503
    backend._view = seen("embedded", "up").view
    assert (await get(made, "/-/ready"))[0] == 200


async def test_status_shows_what_there_is(front: Build) -> None:
    policy = Policy(DataClass.INTERNAL, {name: Alias(name, ("home",)) for name in ("notes", "assistant")})
    status, shown = await get(front(seen("home"), policy=policy), "/-/status")
    assert status == 200
    del shown["backends"][0]["profiles"]
    assert shown == {
        "version": __version__,
        "config": None,
        "draining": False,
        "default_class": "internal",
        "policy_rows": [],
        "keys_required": False,
        "backends": [
            {
                "name": "home",
                "boundary": "device",
                "accepts": "public",
                "health": "up",
                "models": ["m"],
                "slots": {"used": 0, "total": None, "waiting": 0, "clients": {}},
                "pace": [],
            }
        ],
        "legacy_names": {"policy": "reject", "seen": {}},
        "aliases": ["assistant", "notes"],
        "shadow": [],
        "breakers": [],
        "ledger": {"written": 0, "waiting": 0, "dropped": 0, "error": None},
    }


async def test_status_counts_the_slots_at_work_and_who_waits(front: Build) -> None:
    room = Room("home", 1)
    made = front(FakeBackend("home", room=room))
    snapshot, lanes = made.gateway.backends.snapshot(), made.gateway.guard.lanes
    held, waiting = await lanes.enter(room, "fake", NO_TERMS), asyncio.create_task(lanes.enter(room, "fake", NO_TERMS))
    await breath()
    _, shown = await get(made, "/-/status")
    assert shown["backends"][0]["slots"] == {"used": 1, "total": 1, "waiting": 1, "clients": {"": 1}}
    assert made.gateway.backends.snapshot() is snapshot, "routing keeps its decisions while slots come and go"
    held.leave()
    (await waiting).leave()


async def test_status_shows_each_pace_that_was_learned(front: Build) -> None:
    room = Room("home", paced=True)
    made = front(FakeBackend("home", room=room))
    lanes = made.gateway.guard.lanes
    (await lanes.enter(room, "quiet", NO_TERMS)).leave()
    (await lanes.enter(room, "fake", NO_TERMS)).leave(RateLimited("too many", limit=1))
    held = await lanes.enter(room, "fake", NO_TERMS)
    _, shown = await get(made, "/-/status")
    assert shown["backends"][0]["pace"] == [
        {"model": "fake", "limit": 1, "learned_from": "told", "in_flight": 1, "paused": False}
    ]
    held.leave()


async def test_a_backend_of_which_a_person_must_know_something_has_a_note(front: Build) -> None:
    _, shown = await get(front(seen("ollama", note="it proxies cloud models"), seen("home")), "/-/status")
    assert [backend.get("note") for backend in shown["backends"]] == ["it proxies cloud models", None]


@pytest.mark.parametrize("path", ["/-/status", "/-/exchanges/ex_0"])
async def test_with_clients_a_key_is_needed_to_look(front: Build, path: str) -> None:
    made = front(seen("home"), clients={"sk-1": Client("c")}, admin_key=ADMIN_KEY)
    assert (await get(made, path))[0] == 401
    assert (await get(made, path, authorization=f"Bearer {ADMIN_KEY}"))[0] in (200, 404)


async def test_status_needs_the_admin_key_where_clients_have_keys(front: Build) -> None:
    made = front(seen("home"), clients={"sk-1": Client("c")}, admin_key=ADMIN_KEY)
    status, shown = await get(made, "/-/status", authorization="Bearer sk-1")
    assert (status, "needs the admin key" in shown["error"]["message"]) == (403, True)
    status, shown = await get(front(clients={"sk-1": Client("c")}), "/-/status", authorization="Bearer sk-1")
    assert (status, "set `[server] admin_key_env`" in shown["error"]["message"]) == (403, True)


@pytest.mark.parametrize("path", ["/-/status", "/-/exchanges/ex_0"])
async def test_without_clients_only_this_machine_may_look(front: Build, path: str) -> None:
    assert (await get(front(seen("home")), path, host="evil.example"))[0] == 403


async def test_status_says_that_keys_are_required(front: Build) -> None:
    made = front(clients={"sk-1": Client("c")}, admin_key=ADMIN_KEY)
    _, shown = await get(made, "/-/status", authorization=f"Bearer {ADMIN_KEY}")
    assert shown["keys_required"] is True
    assert "sk-1" not in json.dumps(shown)


async def test_an_exchange_can_be_looked_up(front: Build) -> None:
    made = front(FakeBackend("home"))
    body = request_body(messages=[{"role": "user", "content": "canary-2b7"}])
    answered = await call(made, "POST", "/chat/completions", body)
    exchange_id = answered.headers["x-tidegate-exchange"]
    status, shown = await get(made, f"/-/exchanges/{exchange_id}")
    assert (status, shown["exchange_id"], shown["status"], shown["backend"]) == (200, exchange_id, 200, "home")
    assert shown["rules"] == ["CLS001", "RTE003", "RTE020"]
    assert shown["verdicts"] == [{"backend": "home", "rule": "RTE020", "kept": True}]
    assert shown["attempts"] == ["home:ok"]
    assert "canary-2b7" not in json.dumps(shown)


async def test_a_client_sees_its_own_exchanges_only_and_the_admin_all(front: Build) -> None:
    clients = {"sk-1": Client("anna"), "sk-2": Client("bert"), "sk-3": Client("anna", None, Terms("key_3"))}
    made = front(FakeBackend("home"), clients=clients, admin_key=ADMIN_KEY)
    answered = await call(made, "POST", "/chat/completions", request_body(), {"authorization": "Bearer sk-1"})
    path = f"/-/exchanges/{answered.headers['x-tidegate-exchange']}"
    assert (await get(made, path, authorization="Bearer sk-1"))[0] == 200
    assert (await get(made, path, authorization=f"Bearer {ADMIN_KEY}"))[0] == 200
    status, foreign = await get(made, path, authorization="Bearer sk-2")
    assert (status, foreign) == await get(made, "/-/exchanges/ex_0", authorization="Bearer sk-2")
    assert status == 404
    answered = await call(made, "POST", "/chat/completions", request_body(), {"authorization": "Bearer sk-3"})
    path = f"/-/exchanges/{answered.headers['x-tidegate-exchange']}"
    assert (await get(made, path, authorization="Bearer sk-3"))[0] == 200
    assert (await get(made, path, authorization="Bearer sk-1"))[0] == 404, "the same name, another key"


@pytest.mark.parametrize("exchange_id", ["", "ex_0", "../../etc/passwd", "ex_0' OR 1=1 --"])
async def test_an_exchange_that_never_was_is_not_found(front: Build, exchange_id: str) -> None:
    status, shown = await get(front(FakeBackend("home")), f"/-/exchanges/{exchange_id}")
    assert (status, "x-tidegate-exchange" in shown["error"]["message"]) == (404, True)


@pytest.mark.parametrize("rewrites", [True, False])
async def test_status_counts_the_retired_names_that_were_asked_for(front: Build, rewrites: bool) -> None:
    policy = Policy(rewrites_legacy=rewrites)
    made = front(FakeBackend("cloud", models=("deepseek-flash",)), policy=policy)
    for name in ("deepseek-chat", "deepseek-chat", "deepseek-flash", "gpt-17"):
        reply = await call(made, "POST", "/chat/completions", request_body(model=name))
        assert reply.headers.get("x-tidegate-legacy") == (
            "deepseek-chat -> deepseek-flash, thinking disabled" if rewrites and name == "deepseek-chat" else None
        )
    _, shown = await get(made, "/-/status")
    assert shown["legacy_names"] == {"policy": "rewrite" if rewrites else "reject", "seen": {"deepseek-chat": 2}}


async def test_each_model_has_a_profile_and_what_is_not_known_is_said_so(front: Build) -> None:
    told = (Fact("json", "emulated", "declared", "LCP010", "b11549", "2026-11-24"),)
    known = Profile("m", Traits(version="b1", window_tokens=1024), told)
    _, shown = await get(front(seen("box", profiles=(known,))), "/-/status")
    (profile,) = shown["backends"][0]["profiles"]
    assert (profile["model"], profile["traits"]) == ("m", {"version": "b1", "window_tokens": 1024})
    assert list(profile["facts"]) == list(FEATURES)
    assert profile["facts"]["json"] == {
        "feature": "json",
        "way": "emulated",
        "basis": "declared",
        "code": "LCP010",
        "version": "b11549",
        "checked": "2026-11-24",
    }
    assert (profile["facts"]["fim"]["way"], profile["facts"]["fim"]["basis"]) == (None, "unknown")


async def test_of_a_server_with_very_many_models_the_first_profiles_are_shown(front: Build) -> None:
    backend = seen("hub")
    backend._view = BackendView("hub", Boundary.DEVICE, DataClass.PUBLIC, "up", tuple(f"m{n}" for n in range(500)))
    _, shown = await get(front(backend), "/-/status")
    assert [profile["model"] for profile in shown["backends"][0]["profiles"]] == [f"m{n}" for n in range(20)]
