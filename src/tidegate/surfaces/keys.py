"""The keys of clients over HTTP, for the admin: list, create, revoke. A new key stands in the one answer that made it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson

from tidegate.asgi import Receive, Scope, Send, read_body, require_json, respond
from tidegate.core.errors import BrokenJson, ClientMistake, NotFound
from tidegate.keys.file import KeyFile
from tidegate.keys.order import order_from, view_of
from tidegate.resilience.allowance import KeyView
from tidegate.surfaces.auth import Door

_LONGEST_ORDER_BYTES = 64 * 1024
_NO_STORE = (b"cache-control", b"no-store")
BASE = "/-/keys"


class Ring(Protocol):
    """What the door holds of the keys."""

    def look(self) -> None: ...


class KeysSurface:
    def __init__(
        self,
        door: Door,
        file: KeyFile,
        ring: Ring,
        *,
        taken: frozenset[str] = frozenset(),
        spending: Callable[[], Awaitable[list[KeyView]]] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`taken` are the names of clients in the configuration; `spending` is what keys have under way and spent."""
        self._door = door
        self._file = file
        self._ring = ring
        self._taken = taken
        self._spending = spending
        self._wall_clock = wall_clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._door.admit_admin(scope)
        method, which = scope["method"], scope["path"][len(BASE) + 1 :]
        if method == "GET":
            await self._list(which, send)
        elif method == "POST" and not which:
            await self._create(scope, receive, send)
        elif method == "DELETE" and which:
            await self._revoke(which, send)
        else:
            raise ClientMistake(f"{method} is not for this path: POST {BASE} creates, DELETE {BASE}/ID revokes")

    async def _list(self, which: str, send: Send) -> None:
        spending = {one.key_id: one for one in (await self._spending() if self._spending is not None else ())}
        now = self._wall_clock()
        shown: list[dict[str, Any]] = []
        for record in await asyncio.to_thread(self._file.records):
            view = view_of(record, now)
            if (one := spending.get(record.key_id)) is not None:
                view["under_way"], view["waiting"] = one.under_way, one.waiting
                view["spent_usd"] = {period: f"{usd:f}" for period, usd in one.spent.items()}
            if which in ("", record.key_id):
                shown.append(view)
        if which and not shown:
            raise NotFound(f"There is no such key; GET {BASE} lists them")
        await respond(send, 200, orjson.dumps(shown[0] if which else {"keys": shown}), [_NO_STORE])

    async def _create(self, scope: Scope, receive: Receive, send: Send) -> None:
        require_json(scope)
        try:
            given = orjson.loads(await read_body(scope, receive, _LONGEST_ORDER_BYTES))
        except orjson.JSONDecodeError:
            raise BrokenJson("The body is not JSON") from None
        order = order_from(given)
        if order.name in self._taken:
            raise ClientMistake(f"[[clients]] has a client {order.name} already; choose another name")
        now = self._wall_clock()
        key, record = await asyncio.to_thread(self._file.create, order, now)
        self._ring.look()
        await respond(send, 200, orjson.dumps(view_of(record, now) | {"key": key}), [_NO_STORE])

    async def _revoke(self, which: str, send: Send) -> None:
        now = self._wall_clock()
        record = await asyncio.to_thread(self._file.revoke, which, now)
        self._ring.look()
        await respond(send, 200, orjson.dumps(view_of(record, now)), [_NO_STORE])
