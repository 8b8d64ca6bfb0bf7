"""A reload: refused as a whole or in force as a whole, and what was under way ends as it began."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.hands import breath
from tests.support.samples import request_body

from tidegate.app import App
from tidegate.app.reload import Running, Source, with_fixed
from tidegate.backends.fake import FakeBackend
from tidegate.config import Config, PrivacyOptions, parse_config
from tidegate.core.errors import BackendUnreachable, Misconfigured
from tidegate.pipeline.gateway import Gateway
from tidegate.pipeline.screening import Screening
from tidegate.pipeline.shadow import Shadow
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.resilience.lane import NO_TERMS
from tidegate.surfaces.front import Served
from tidegate.surfaces.server import Server

GROWING = (App, Gateway, FakeBackend, Served, Server, asyncio.Task, Shadow, Screening)
QUIET = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "profiles": {"measure": False}}
HOME = {"home": {"kind": "fake"}}


def config(**written: Any) -> Config:
    return parse_config({**QUIET, "backends": HOME, **written})


class Slow:
    """In the place of the slow tiers: notes whether it runs."""

    def __init__(self, fails: bool = False) -> None:
        self.runs = False
        self._fails = fails

    async def start(self) -> None:
        if self._fails:
            raise Misconfigured("the model cannot be loaded")
        self.runs = True

    async def stop(self) -> None:
        self.runs = False

    async def look(self, texts: Any, _budget_s: float) -> Any:
        return [() for _ in texts]


class World:
    """A gateway that runs, and what is written for it now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wanted: Any = config()
        self.slow: list[Slow] = []
        self.slow_fails = False
        self.running: Running = None  # type: ignore[assignment]

    def read(self) -> Config:
        if isinstance(self.wanted, Exception):
            raise self.wanted
        return self.wanted

    def slow_of(self, options: PrivacyOptions) -> SlowLook | None:
        if not options.names:
            return None
        self.slow.append(Slow(self.slow_fails))
        return self.slow[-1]  # type: ignore[return-value]

    async def reload(self, **written: Any) -> tuple[str, ...]:
        self.wanted = config(**written)
        return (await self.running.reload()).waits

    async def ask(self, path: str = "/chat/completions", method: str = "POST", **fields: Any) -> Reply:
        return await call(self.running.asgi, method, path, request_body(**fields) if method == "POST" else b"")

    async def status(self) -> Any:
        return json.loads((await self.ask("/-/status", "GET")).body)


@asynccontextmanager
async def serving(folder: Path, environment: dict[str, str] | None = None, **written: Any) -> AsyncIterator[World]:
    world, first, environment = World(folder), config(**written), environment or {}
    app = App(first, environment, folder, None, world.slow_of(first.privacy), file=Path("t.toml"))
    await app.start()
    source = Source(Path("t.toml"), world.read, world.slow_of, environment, folder)
    world.running = Running(app, source)
    del app
    yield world
    await world.running.stop()


async def test_a_new_alias_is_there_and_status_says_what_is_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        assert (await world.ask(model="neu")).status == 400
        assert await world.reload(aliases={"neu": {"targets": ["home"]}}) == ()
        assert (await world.ask(model="neu")).status == 200
        status = await world.status()
        assert (status["config"]["file"], status["config"]["generation"]) == ("t.toml", 2)
        assert status["aliases"] == ["neu"]
        await world.running.settled()


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Misconfigured("config option x does not exist"), "option x"),
        (config(aliases={"a": {"targets": ["nobody"]}}), r"\[aliases.a\] targets"),
        (config(clients=[{"name": "c", "key_env": "UNSET"}]), "UNSET is not set"),
        (config(privacy={"terms": [{"name": "bad", "patterns": ["("]}]}), r"privacy.terms"),
        (config(server={"tls_cert": "/nowhere.pem"}), "tls_cert"),
        (config(server={"host": "0.0.0.0"}), r"\[server\] host"),
        (config(backends={"deepseek": {"kind": "deepseek", "key_env": "UNSET"}}), "UNSET is not set"),
        (config(capture={"key_env": "UNSET"}), r"\[capture\] key_env"),
    ],
)
async def test_what_cannot_be_enforced_changes_nothing(tmp_path: Path, wanted: Any, says: str) -> None:
    async with serving(tmp_path) as world:
        before, tasks = world.running.app, asyncio.all_tasks()
        world.wanted = wanted
        with pytest.raises(Misconfigured, match=says):
            await world.running.reload()
        assert world.running.app is before
        assert (await world.ask()).status == 200
        assert asyncio.all_tasks() == tasks


async def test_slow_tiers_that_cannot_start_refuse_the_reload_and_nothing_of_them_stays(tmp_path: Path) -> None:
    async with serving(tmp_path, privacy={"names": ["en"]}) as world:
        world.slow_fails = True
        with pytest.raises(Misconfigured, match="cannot be loaded"):
            await world.reload(privacy={"names": ["en", "zh"]})
        assert [one.runs for one in world.slow] == [True, False]
        assert world.running.app.slow is world.slow[0]


async def test_slow_tiers_run_on_and_others_take_their_place_before_they_end(tmp_path: Path) -> None:
    async with serving(tmp_path, privacy={"names": ["en"]}) as world:
        await world.reload(privacy={"names": ["en"], "budget_s": 2.0})
        assert len(world.slow) == 1
        await world.running.settled()
        prepared_before = world.running.app
        world.wanted = config(privacy={"names": ["en", "zh"]})
        prepared = await world.running.prepare()
        assert [one.runs for one in world.slow] == [True, True]
        assert world.running.app is prepared_before
        world.running.commit(prepared)
        await world.running.settled()
        assert [one.runs for one in world.slow] == [False, True]
    assert [one.runs for one in world.slow] == [False, False]


async def test_what_was_prepared_and_given_up_ends(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        world.wanted = config(privacy={"names": ["en"]})
        prepared = await world.running.prepare()
        assert world.slow[0].runs
        await world.running.abandon(prepared)
        assert not world.slow[0].runs


async def test_what_needs_a_restart_is_named_and_the_rest_is_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        waits = await world.reload(
            server={"port": 9, "drain_s": 7},
            ledger={"path": "/elsewhere"},
            embedded={"enabled": False, "slots": 9},
            aliases={"neu": {"targets": ["home"]}},
        )
        assert waits == ("[server] port", "[ledger] path", "[embedded] slots")
        assert (await world.ask(model="neu")).status == 200
        config_now = world.running.app.config
        assert (config_now.server.port, config_now.server.drain_s, config_now.ledger.path) == (4141, 7, None)
        assert world.running.app.ledger.path == tmp_path / "ledger.sqlite3"


def test_http_does_not_become_https_while_it_listens() -> None:
    plain, secure = config(), config(server={"tls_cert": "c", "tls_key": "k"})
    for before, wanted in ((plain, secure), (secure, plain)):
        assert with_fixed(before, wanted) == (before, ("[server] tls_cert",))
    renewed = config(server={"tls_cert": "d", "tls_key": "k"})
    assert with_fixed(secure, renewed) == (renewed, ())


def server(name: str = "b", **options: Any) -> dict[str, Any]:
    return {name: {"kind": "llamacpp", "base_url": "http://127.0.0.1:9", "models": ["m"], **options}}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"aliases": {"x": {"targets": ["b"]}}}, True),
        ({"backends": server(slots=3)}, False),
        ({"backends": server(base_url="http://127.0.0.1:8")}, False),
        ({"backends": server() | HOME}, True),
        ({"timeouts": {"idle_s": 9}}, False),
    ],
)
async def test_a_backend_is_kept_with_all_that_was_learned_unless_its_settings_changed(
    tmp_path: Path, changed: dict[str, Any], same: bool
) -> None:
    async with serving(tmp_path, backends=server()) as world:
        before, breakers = world.running.app.registry.find("b"), world.running.app.kept.breakers
        breakers.note("b", "m", BackendUnreachable("gone"))
        await world.reload(**{"backends": server(), **changed})
        assert (world.running.app.registry.find("b") is before) is same
        assert bool(breakers.view()) is same
        await world.running.settled()


async def test_slots_in_use_are_counted_over_a_reload_that_changes_their_number(tmp_path: Path) -> None:
    backends = {"home": {"kind": "fake", "slots": 2}}
    async with serving(tmp_path, backends=backends) as world:
        app = world.running.app
        backend = app.registry.backends[0]
        places = [await app.lanes.enter(backend.room, "fake", NO_TERMS) for _ in range(2)]
        await world.reload(backends={"home": {"kind": "fake", "slots": 3}})
        asking = [asyncio.create_task(world.ask()) for _ in range(2)]
        await asyncio.gather(*asking)
        assert [(one.used, one.total) for one in world.running.app.lanes.view()] == [(2, 3)]
        for place in places:
            place.leave()
        assert [one.used for one in world.running.app.lanes.view()] == [0]


async def test_counts_of_the_start_go_on(tmp_path: Path) -> None:
    shadow = {"to": ["b"]}
    backends = HOME | {"b": {"kind": "fake"}}
    contract = {"legacy_names": "rewrite"}
    async with serving(tmp_path, backends=backends, shadow=shadow, contract=contract) as world:
        await world.ask(model="deepseek-chat")
        await world.ask()
        await world.running.app.settled()
        await world.reload(backends=backends, shadow={"to": ["b"], "share": 0.5}, contract=contract)
        status = await world.status()
        assert status["legacy_names"]["seen"] == {"deepseek-chat": 1}
        assert [(one["to"], one["compared"]) for one in status["shadow"]] == [("b", 1)]
        assert status["ledger"]["written"] + status["ledger"]["waiting"] == 3


async def test_the_settings_of_an_older_configuration_last_as_long_as_its_last_request(tmp_path: Path) -> None:
    async with serving(tmp_path, privacy={"names": ["en"]}) as world:
        backend = world.running.app.registry.backends[0]
        go, opened = asyncio.Event(), backend.open

        async def waits(*asked: Any) -> Any:
            await go.wait()
            return await opened(*asked)

        backend.open = waits  # type: ignore[method-assign]
        asking = asyncio.create_task(world.ask())
        await breath()
        await world.reload(backends={"other": {"kind": "fake"}})
        await world.reload(privacy={"names": ["zh"]})
        await world.reload()
        await breath()
        assert [one.runs for one in world.slow] == [True, True]
        go.set()
        reply = await asking
        assert (reply.status, reply.headers["x-tidegate-backend"]) == (200, "home")
        await world.running.settled()
        assert [one.runs for one in world.slow] == [False, False]


async def test_two_hundred_reloads_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One thread, so that it has let go of what it made before as soon as it has made something else.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))

    async def alive() -> Counter[str]:
        await asyncio.to_thread(int)
        gc.collect()
        return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, GROWING))

    async with serving(tmp_path) as world:
        await world.reload()
        await world.running.settled()
        before = await alive()
        for number in range(200):
            await world.reload(aliases={f"a{number}": {"targets": ["home"]}})
            await world.ask(model=f"a{number}")
        await world.running.settled()
        # The last one collected what it left; here nobody does it once more.
        monkeypatch.setattr(gc, "collect", lambda: None)
        assert await alive() == before
        assert len(world.running._old) == 0


async def test_a_stop_in_the_middle_of_requests_cuts_and_books_them(tmp_path: Path) -> None:
    async with serving(tmp_path) as world:
        never = asyncio.Event()

        async def waits(*_asked: Any) -> Any:
            await never.wait()

        world.running.app.registry.backends[0].open = waits  # type: ignore[method-assign]
        asking = asyncio.create_task(world.ask())
        await breath()
        await world.reload(aliases={"neu": {"targets": ["home"]}})
    reply = await asking
    assert reply.status == 503
    assert "stopped before this answer" in json.loads(reply.body)["error"]["message"]
    entry = world.running.app.ledger.find(reply.headers["x-tidegate-exchange"])
    assert entry is not None
    assert (entry.status, entry.error) == (503, "Draining")
