"""The embedded engine as a backend: asks its supervisor where it is, then talks HTTP to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tidegate.backends.base import Answering, Endpoint, Holds, Room
from tidegate.backends.engine import EngineAddress, EngineRole
from tidegate.backends.http import open_answer
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health
from tidegate.core.errors import BackendUnreachable
from tidegate.core.requests import Request
from tidegate.dialects.base import Dialect

_HEALTH: dict[str, Health] = {"ready": "up", "starting": "starting"}
_RESTART_WAIT_S = 30.0
_TRIES = 3


class EmbeddedBackend:
    """Waits for an engine that is starting or restarting instead of refusing."""

    def __init__(
        self,
        transport: Transport,
        engine: EngineRole,
        dialect: Dialect,
        model: str,
        note: str,
        slots: int | None = None,
    ) -> None:
        """`slots` is the number that the engine was started with."""
        self.room = Room(self.name, slots, options="`slots` in [embedded]")
        self._transport = transport
        self._dialect = dialect
        self._note = note
        self._view = BackendView(
            self.name,
            Boundary.DEVICE,
            DataClass.PRIVATE,
            "starting",
            (model,),
            note=note,
            declared=dialect.declares,
        )
        self._endpoint: Endpoint | None = None
        self._address: EngineAddress | None = None
        self.engine = engine

    @property
    def name(self) -> str:
        return "embedded"

    @property
    def view(self) -> BackendView:
        health = _HEALTH.get(self.engine.state, "down")
        failed = f"; it cannot run: {self.engine.last_error}" if self.engine.state == "failed" else ""
        if health != self._view.health or self._note + failed != self._view.note:
            self._view = replace(self._view, health=health, note=self._note + failed)
        return self._view

    async def open(self, request: Request, model: str, data_class: DataClass, holds: Holds | None = None) -> Answering:
        for left in reversed(range(_TRIES)):
            endpoint = self._endpoint_at(await self.engine.address(_RESTART_WAIT_S))
            try:
                return await open_answer(
                    self._transport, endpoint, self._dialect, request, model, data_class, holds=holds
                )
            except BackendUnreachable:
                # The engine died and its supervisor has not noticed yet: let it, then ask for the new address.
                if not left:
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError("unreachable: the last try returns or raises")

    def _endpoint_at(self, address: EngineAddress) -> Endpoint:
        if self._endpoint is None or address is not self._address:
            self._address = address
            self._endpoint = Endpoint(
                name=self.name,
                boundary=Boundary.DEVICE,
                accepts=DataClass.PRIVATE,
                host=address.host,
                port=address.port,
                key=address.key,
            )
        return self._endpoint

    async def refresh(self) -> None:
        return
