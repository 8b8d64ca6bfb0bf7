"""The embedded backend over scripted engines: it follows the engine's address, waits for it, and gives up in the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.samples import request
from tests.support.upstreams import Request, Upstream, head, whole_reply

from tidegate.backends.base import Room
from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.engine import EngineAddress
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendUnreachable, ClientMistake
from tidegate.dialects.embedded import EMBEDDED

Serve = Callable[..., Awaitable[Upstream]]


class ScriptedEngine:
    """Hands out its addresses in turn, the last one for ever; an error among them is raised."""

    def __init__(self, *addresses: EngineAddress | Exception, state: str = "ready") -> None:
        self.state = state
        self.last_error: str | None = None
        self.asked = 0
        self._addresses = addresses

    async def address(self, timeout_s: float) -> EngineAddress:
        assert timeout_s > 0
        found = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        if isinstance(found, Exception):
            raise found
        return found


def at(upstream: Upstream, key: str = "engine-key") -> EngineAddress:
    return EngineAddress("127.0.0.1", upstream.port, key)


def backend(transport: Transport, engine: Any, slots: int | None = None) -> EmbeddedBackend:
    return EmbeddedBackend(transport, engine, EMBEDDED, "demo", "a demo model", slots)


async def answered(one: EmbeddedBackend) -> None:
    answering = await one.open(request(stream=True), "demo", DataClass.PRIVATE)
    while await answering.read():
        pass
    answering.close()


class Hearing:
    """A running engine: keeps the heads it heard and where they came from."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.peers: set[int] = set()

    async def __call__(self, asked: Request) -> bool:
        self.heads.append(asked.head)
        self.peers.add(asked.writer.get_extra_info("peername")[1])
        await asked.reply(whole_reply(asked.body))
        return True


@pytest.fixture
async def gone(serve: Serve) -> EngineAddress:
    """Where an engine was that has died."""
    upstream = await serve(b"")
    port = upstream.port
    await upstream.stop()
    await upstream.start()
    assert upstream.port != port
    return EngineAddress("127.0.0.1", port, "old-key")


async def test_a_private_request_reaches_the_engine_with_its_key(serve: Serve, transport: Transport) -> None:
    hearing = Hearing()
    await answered(backend(transport, ScriptedEngine(at(await serve(hearing)))))
    assert hearing.heads[0].count(b"Authorization: Bearer engine-key\r\n") == 1


async def test_connections_are_kept_while_the_engine_stays_where_it_is(serve: Serve, transport: Transport) -> None:
    hearing = Hearing()
    one = backend(transport, ScriptedEngine(at(await serve(hearing))))
    for _ in range(3):
        await answered(one)
    assert (len(hearing.heads), len(hearing.peers)) == (3, 1)


async def test_an_engine_that_died_and_came_back_elsewhere_answers(
    serve: Serve, transport: Transport, gone: EngineAddress
) -> None:
    hearing = Hearing()
    engine = ScriptedEngine(gone, at(await serve(hearing), "new-key"))
    await answered(backend(transport, engine))
    assert (engine.asked, len(hearing.heads)) == (2, 1)
    assert b"Bearer new-key" in hearing.heads[0]


async def test_a_restart_between_two_requests_leaves_the_old_connections(serve: Serve, transport: Transport) -> None:
    before, after = Hearing(), Hearing()
    one = backend(transport, ScriptedEngine(at(await serve(before)), at(await serve(after), "new-key")))
    await answered(one)
    await answered(one)
    assert (len(before.heads), len(after.heads)) == (1, 1)
    assert b"engine-key" not in after.heads[0]


async def test_an_engine_that_stays_away_is_unreachable_after_three_tries(
    transport: Transport, gone: EngineAddress
) -> None:
    engine = ScriptedEngine(gone)
    with pytest.raises(BackendUnreachable):
        await answered(backend(transport, engine))
    assert engine.asked == 3


async def test_an_engine_that_cannot_run_says_so_at_once(transport: Transport) -> None:
    engine = ScriptedEngine(BackendUnreachable("The embedded engine cannot run: no memory"), state="failed")
    with pytest.raises(BackendUnreachable, match="no memory"):
        await answered(backend(transport, engine))
    assert engine.asked == 1


async def test_a_mistake_of_the_clients_is_not_tried_again(serve: Serve, transport: Transport) -> None:
    engine = ScriptedEngine(at(await serve(head("400 Bad Request", length=2) + b"{}", b"")))
    with pytest.raises(ClientMistake):
        await answered(backend(transport, engine))
    assert engine.asked == 1


@pytest.mark.parametrize(
    ("state", "health"),
    [("ready", "up"), ("starting", "starting"), ("down", "down"), ("stopped", "down")],
)
def test_its_health_is_the_engines_state(state: str, health: str) -> None:
    view = backend(Transport(), ScriptedEngine(state=state)).view
    assert (view.name, view.health, view.models, view.note) == ("embedded", health, ("demo",), "a demo model")
    assert (view.boundary, view.accepts) == (Boundary.DEVICE, DataClass.PRIVATE)


def test_the_view_is_the_same_object_until_the_state_changes() -> None:
    engine = ScriptedEngine(state="starting")
    one = backend(Transport(), engine)
    first = one.view
    assert one.view is first
    engine.state = "ready"
    assert one.view is not first
    assert one.view is one.view


@pytest.mark.parametrize("before", ["starting", "ready", "down"])
def test_an_engine_that_cannot_run_says_why_in_its_view(before: str) -> None:
    engine = ScriptedEngine(state=before)
    one = backend(Transport(), engine)
    assert one.view.note == "a demo model"
    engine.state, engine.last_error = "failed", "no memory"
    assert (one.view.health, one.view.note) == ("down", "a demo model; it cannot run: no memory")


async def test_looking_at_it_asks_the_engine_nothing() -> None:
    engine = ScriptedEngine(state="starting")
    await backend(Transport(), engine).refresh()
    assert engine.asked == 0


def test_it_has_room_for_as_many_requests_as_the_engine_has_slots() -> None:
    one = backend(Transport(), ScriptedEngine(state="ready"), slots=2)
    assert one.room == Room("embedded", 2, options="`slots` in [embedded]")
