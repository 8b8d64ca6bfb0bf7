"""The admin JSON under `/-/`: is it alive, is it ready, what is there, what happened to one exchange. Never content."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from tidegate import __version__
from tidegate.asgi import Receive, Scope, Send, respond
from tidegate.core.decision import BackendView
from tidegate.core.errors import NotFound
from tidegate.core.profile import FEATURES, Profile
from tidegate.ledger.entries import Entry, view_of
from tidegate.pipeline.gateway import Gateway
from tidegate.surfaces.auth import Client, Door
from tidegate.surfaces.front import Drain

_MOST_PROFILES = 20
"""A server may list hundreds of models."""


class Book(Protocol):
    """What the admin surface reads of the ledger."""

    waiting: Any
    written: int
    dropped: int
    error: str | None

    def find(self, exchange_id: str) -> Entry | None: ...


class Kept(Protocol):
    """What it reads of kept content: how much, never what."""

    written: int
    dropped: int
    refused: int
    error: str | None


class Whole(Protocol):
    """The other processes that answer beside this one."""

    async def look(self) -> None:
        """See what all hold together: after this the lanes show it."""
        ...

    async def merged(self, status: dict[str, Any]) -> dict[str, Any]:
        """The status of this process, with what the others count."""
        ...

    async def find(self, exchange_id: str) -> Entry | None:
        """An exchange that another process has not written yet."""
        ...

    async def metrics(self) -> Iterable[Any]:
        """What the other processes count."""
        ...

    def tells_metrics(self, dump: Callable[[], Awaitable[dict[str, Any]]]) -> None: ...

    def tells(self, status: Callable[[], dict[str, Any]], exchange: Callable[[str], Entry | None]) -> None:
        """What this process answers the others."""
        ...


class Loaded(NamedTuple):
    """Which configuration is in force. `at` is in unix seconds; `generation` counts those of this process from 1 on."""

    file: str | None
    at: float
    generation: int


class AdminSurface:
    def __init__(
        self,
        gateway: Gateway,
        door: Door,
        book: Book,
        content: Kept | None = None,
        *,
        loaded: Loaded | None = None,
        drain: Drain | None = None,
        watched: Callable[[], dict[str, Any]] | None = None,
        whole: Whole | None = None,
    ) -> None:
        """`watched` gives what the watch has seen: history, balance and alerts."""
        self._watched = watched
        self._whole = whole
        self._loaded = loaded
        self._drain = drain
        self._gateway = gateway
        self._door = door
        self._book = book
        self._content = content

    async def health(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """The process is alive."""
        await respond(send, 200, b'{"status":"ok"}')

    async def ready(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """200 when a backend could answer now, else 503."""
        healths = [view.health for view in self._gateway.backends.snapshot().backends]
        ready = "up" in healths or "unknown" in healths
        await respond(send, 200 if ready else 503, orjson.dumps({"status": "ready" if ready else "waiting"}))

    async def status(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._door.admit_admin(scope)
        if (whole := self._whole) is None:
            await respond(send, 200, orjson.dumps(self.own_status()))
            return
        await whole.look()
        await respond(send, 200, orjson.dumps(await whole.merged(self.own_status())))

    def own_status(self) -> dict[str, Any]:
        """What this process knows."""
        ledger = {
            "written": self._book.written,
            "waiting": self._book.waiting,
            "dropped": self._book.dropped,
            "error": self._book.error,
        }
        status = {
            "version": __version__,
            "config": None if self._loaded is None else self._loaded._asdict(),
            "draining": self._drain is not None and self._drain.draining,
            "default_class": self._gateway.policy.default_class.value,
            "policy_rows": [row.name for row in self._gateway.policy.rows],
            "keys_required": not self._door.open,
            "backends": self._backends(),
            "breakers": [one._asdict() for one in self._gateway.guard.breakers.view()],
            "legacy_names": {
                "policy": "rewrite" if self._gateway.policy.rewrites_legacy else "reject",
                "seen": {name: times for name, times in self._gateway.legacy_seen.items() if times},
            },
            "aliases": sorted(self._gateway.policy.aliases),
            "shadow": self._gateway.shadow.view(),
            "ledger": ledger,
        }
        if (kept := self._content) is not None:
            counts = {"written": kept.written, "dropped": kept.dropped, "refused": kept.refused, "error": kept.error}
            status["content"] = counts
        if self._watched is not None:
            status |= self._watched()
        return status

    def _backends(self) -> list[dict[str, Any]]:
        """Slots are not of the view: routing keeps its decisions while that holds, and they change all the time."""
        backends = self._gateway.backends
        lanes = {lane.backend: lane for lane in self._gateway.guard.lanes.view()}
        shown: list[dict[str, Any]] = []
        for view in backends.snapshot().backends:
            lane, backend = lanes.get(view.name), backends.find(view.name)
            slots: dict[str, Any] = {
                "used": 0,
                "total": None if backend is None else backend.room.slots,
                "waiting": 0,
                "clients": {},
            }
            pace: list[dict[str, Any]] = []
            if lane is not None:
                slots |= {"used": lane.used, "waiting": lane.waiting, "clients": dict(lane.clients)}
                pace = [one._asdict() for one in lane.paces if one.limit is not None or one.paused]
            shown.append(_backend_view(view) | {"slots": slots, "pace": pace})
        return shown

    async def exchange(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """GET /-/exchanges/ID: the ledger's row of one exchange; a client sees its own only, the admin all."""
        client = self._door.admit_caller(scope).client
        exchange_id = scope["path"].rpartition("/")[2]
        entry = await asyncio.to_thread(self._book.find, exchange_id)
        if entry is None and self._whole is not None:
            entry = await self._whole.find(exchange_id)
        if entry is None or (client is not None and not _is_of(entry, client)):
            raise NotFound("No such exchange; its id is in the response header x-tidegate-exchange")
        await respond(send, 200, orjson.dumps(view_of(entry)))


def _is_of(entry: Entry, client: Client) -> bool:
    """By the key where the ledger has it: a name can be given again once its key is revoked."""
    return entry.client == client.name and entry.key_id in (None, client.key_id)


def _backend_view(view: BackendView) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": view.name,
        "boundary": view.boundary.value,
        "accepts": view.accepts.value,
        "health": view.health,
        "models": list(view.models),
    }
    if view.note:
        shown["note"] = view.note
    shown["profiles"] = [_profile_view(view.profile(model)) for model in view.models[:_MOST_PROFILES]]
    return shown


def _profile_view(profile: Profile) -> dict[str, Any]:
    facts = [profile.fact(feature) for feature in FEATURES]
    return {
        "model": profile.model,
        "traits": {name: value for name, value in msgspec.to_builtins(profile.traits).items() if value is not None},
        "facts": {fact.feature: msgspec.to_builtins(fact) for fact in facts},
    }
