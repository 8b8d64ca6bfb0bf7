"""The parts put together: what is built from which configuration, and that starting and stopping leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import call
from tests.support.samples import request_body

from tidegate.app import App, ledger_path
from tidegate.backends.engine import Engine
from tidegate.catalog.runtimes import runtimes
from tidegate.config import Config, parse_config
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendOverloaded, Misconfigured
from tidegate.ledger.entries import Entry
from tidegate.resilience.lane import NO_TERMS

FAKE = {
    "embedded": {"enabled": False},
    "probe": {"enabled": False},
    "profiles": {"measure": False},
    "backends": {"home": {"kind": "fake"}},
}


def app(folder: Path, model: Path | None = None, environment: dict[str, str] | None = None, **written: Any) -> App:
    return App(parse_config({**FAKE, **written}), environment or {}, folder, model)


def names(one: App) -> list[str]:
    return [backend.name for backend in one.registry.backends]


async def test_it_serves_between_start_and_stop_and_the_ledger_is_written(tmp_path: Path) -> None:
    async with app(tmp_path / "state") as running:
        assert running.asgi is not None
        reply = await call(running.asgi, "POST", "/chat/completions", request_body())
        assert (reply.status, reply.headers["x-tidegate-backend"]) == (200, "home")
    with sqlite3.connect(tmp_path / "state" / "ledger.sqlite3") as ledger:
        rows = ledger.execute("SELECT exchange_id, status, request_hash FROM exchanges").fetchall()
    ledger.close()
    assert [(exchange_id, status) for exchange_id, status, _ in rows] == [(reply.headers["x-tidegate-exchange"], 200)]
    assert len(rows[0][2]) == 32


async def test_nothing_runs_after_a_stop(tmp_path: Path) -> None:
    running = app(tmp_path, probe={"enabled": False, "interval_s": 0.001})
    await running.start()
    await running.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await running.stop()


async def test_ids_are_unique_and_ordered_by_time(tmp_path: Path) -> None:
    async with app(tmp_path) as running:
        replies = [await call(running.asgi, "POST", "/chat/completions", request_body()) for _ in range(20)]
    found = [reply.headers["x-tidegate-exchange"] for reply in replies]
    assert len(set(found)) == 20
    assert all(len(one) == 35 and one.startswith("ex_") for one in found)
    times = [one[3:15] for one in found]
    assert times == sorted(times)


async def test_whoever_listens_hears_of_written_exchanges(tmp_path: Path) -> None:
    written: list[Entry] = []

    def note(entries: Sequence[Entry]) -> None:
        written.extend(entries)

    running = app(tmp_path)
    await running.start(note)
    await call(running.asgi, "POST", "/chat/completions", request_body())
    await running.stop()
    assert [entry.status for entry in written] == [200]


async def test_a_ledger_that_cannot_be_opened_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"this is no database, however long it may be" * 100)
    with pytest.raises(Misconfigured, match="ledger"):
        await app(tmp_path).start()


def test_without_a_model_file_or_when_switched_off_there_is_no_engine(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    assert app(tmp_path, model).engine is None
    assert app(tmp_path, None, embedded={"enabled": True}).engine is None
    assert "embedded" not in names(app(tmp_path, model))


def test_a_model_file_of_your_own_is_named_after_its_file_and_not_the_demo(tmp_path: Path) -> None:
    model = tmp_path / "mine.Q4.gguf"
    model.write_bytes(b"GGUF")
    one = app(tmp_path, model, embedded={"enabled": True})
    assert isinstance(one.engine, Engine)
    assert names(one) == ["home", "embedded"]
    view = one.registry.backends[-1].view
    assert (view.models, view.boundary, view.accepts) == (("mine.Q4",), Boundary.DEVICE, DataClass.PRIVATE)
    assert "mine.Q4.gguf" in view.note
    assert "demo" not in view.note


def test_the_order_is_configured_then_hosted_then_embedded(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF")
    backends = {"z": {"kind": "fake"}, "a": {"kind": "fake"}}
    one = app(tmp_path, model, {"DEEPSEEK_API_KEY": "sk-1"}, backends=backends, embedded={"enabled": True})
    assert names(one) == ["z", "a", "deepseek", "embedded"]


def test_the_hosted_backend_lists_its_models_and_is_taken_as_it_is(tmp_path: Path) -> None:
    view = app(tmp_path, None, {"DEEPSEEK_API_KEY": "sk-1"}).registry.backends[-1].view
    assert (view.models, view.health, view.boundary) == (
        ("deepseek-flash", "deepseek-v4-pro"),
        "unknown",
        Boundary.EXTERNAL,
    )


async def test_an_external_backend_is_never_knocked_on(tmp_path: Path) -> None:
    external = {"kind": "generic", "boundary": "external", "base_url": "http://192.0.2.1:9"}
    one = app(tmp_path, backends={"cloud": external})
    await one.registry.refresh()
    assert one.registry.backends[0].view.health == "unknown"


def test_a_fake_backend_stands_where_it_is_told(tmp_path: Path) -> None:
    fake = {"kind": "fake", "boundary": "external", "accepts": "internal", "models": ["a", "b"]}
    view = app(tmp_path, backends={"f": fake}).registry.backends[0].view
    assert (view.boundary, view.accepts, view.models) == (Boundary.EXTERNAL, DataClass.INTERNAL, ("a", "b"))


@pytest.mark.parametrize("taken", ["configured", "own"])
def test_the_probe_leaves_taken_ports_alone(tmp_path: Path, taken: str) -> None:
    port = next(runtime.port for runtime in runtimes() if runtime.kind == "vllm")
    written: dict[str, Any] = {"probe": {"enabled": True}}
    if taken == "configured":
        written["backends"] = {"mine": {"kind": "generic", "base_url": f"http://localhost:{port}"}}
    else:
        written["server"] = {"port": port}
    probe = app(tmp_path, **written).registry._probe
    assert probe is not None
    assert {one.kind for one in probe._runtimes} == {one.kind for one in runtimes() if one.port != port}


def test_a_port_on_another_machine_is_not_taken_here(tmp_path: Path) -> None:
    away: dict[str, Any] = {"kind": "generic", "base_url": "http://10.0.0.9:8000", "boundary": "private"}
    away |= {"networks": ["10.0.0.0/8"], "stays_home": True}
    probe = app(tmp_path, probe={"enabled": True}, backends={"away": away}).registry._probe
    assert probe is not None
    assert "vllm" in {runtime.kind for runtime in probe._runtimes}


def test_a_switched_off_probe_does_not_exist(tmp_path: Path) -> None:
    assert app(tmp_path).registry._probe is None


@pytest.mark.parametrize(
    "written",
    [
        {"server": {"host": "0.0.0.0"}},
        {"clients": [{"name": "c", "key_env": "MISSING"}]},
        {"backends": {"auto": {"kind": "fake"}}},
        {"backends": {}},
        {"aliases": {"x": {"targets": ["nobody"]}}},
    ],
)
def test_what_cannot_be_enforced_is_refused_before_anything_is_opened(tmp_path: Path, written: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        app(tmp_path / "state", **written)
    assert not (tmp_path / "state").exists()


def test_building_alone_opens_nothing(tmp_path: Path) -> None:
    app(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_the_ledger_lies_in_the_state_folder_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger_path(Config(), Path("/state")) == Path("/state/ledger.sqlite3")
    own = parse_config({"ledger": {"path": "~/own.sqlite3"}})
    monkeypatch.setenv("HOME", "/home/anna")
    assert ledger_path(own, Path("/state")) == Path("/home/anna/own.sqlite3")


async def test_keys_of_clients_are_asked_for(tmp_path: Path) -> None:
    clients = [{"name": "c", "key_env": "K", "class": "private"}]
    async with app(tmp_path, None, {"K": "sk-c"}, clients=clients) as running:
        without = await call(running.asgi, "POST", "/chat/completions", request_body())
        given = await call(running.asgi, "POST", "/chat/completions", request_body(), {"authorization": "Bearer sk-c"})
    assert (without.status, given.status, given.headers["x-tidegate-class"]) == (401, 200, "private")


async def test_slots_lines_and_limits_are_those_of_the_configuration(tmp_path: Path) -> None:
    backends = {
        "a": {"kind": "fake", "slots": 1, "queue": 0},
        "b": {"kind": "llamacpp", "base_url": "http://127.0.0.1:1", "slots": 3},
        "c": {"kind": "lmstudio", "base_url": "http://127.0.0.1:1"},
        "d": {"kind": "generic", "base_url": "http://127.0.0.1:1"},
    }
    made = app(tmp_path, backends=backends, timeouts={"load_s": 7, "queue_s": 9})
    assert [backend.room.slots for backend in made.registry.backends] == [1, 3, 4, None]
    assert (made._transport.limits.load_s, made._transport.limits.queue_s) == (7, 9)
    first = made.registry.backends[0]
    held = await made.lanes.enter(first.room, "fake", NO_TERMS)
    with pytest.raises(BackendOverloaded, match=r"backends\.a\]"):
        await made.lanes.enter(first.room, "fake", NO_TERMS)
    held.leave()


async def test_the_embedded_engine_gets_as_many_requests_as_it_was_started_for(tmp_path: Path) -> None:
    model = tmp_path / "own.gguf"
    model.touch()
    made = app(tmp_path, model, backends={}, embedded={"slots": 5})
    assert [(one.name, one.room.slots) for one in made.registry.backends] == [("embedded", 5)]


async def test_shadows_go_where_the_configuration_says_and_end_with_the_app(tmp_path: Path) -> None:
    backends = {"a": {"kind": "fake"}, "b": {"kind": "fake"}, "c": {"kind": "fake"}}
    async with app(tmp_path, None, backends=backends, shadow={"to": ["b", "c/fake"], "share": 0.5}) as running:
        for _ in range(2):
            await call(running.asgi, "POST", "/chat/completions", request_body())
        await running._shadow.settled()
        shadows = json.loads((await call(running.asgi, "GET", "/-/status")).body)["shadow"]
        assert [(one["to"], one["compared"]) for one in shadows] == [("b", 1), ("c/fake", 1)]
        assert [len(backend.heard) for backend in running.registry.backends] == [2, 1, 1]
        for _ in range(2):
            await call(running.asgi, "POST", "/chat/completions", request_body())
    assert running._shadow._tasks == set()
