"""What an account can look at: the models there are, and the balance of the hosted account behind the gateway."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import unquote

import orjson

from tidegate.asgi import Receive, Scope, Send, respond
from tidegate.catalog.contracts import Contract
from tidegate.codecs.model_list import hosted_model_fields, model_fields
from tidegate.core.errors import NotFound
from tidegate.pipeline.gateway import Gateway
from tidegate.routing.explain import model_names
from tidegate.surfaces.auth import Client, Door


class Hosted(Protocol):
    """The hosted API, where one is configured."""

    async def fetch(self, path: str) -> bytes: ...


class AccountSurface:
    def __init__(self, gateway: Gateway, door: Door, contract: Contract, hosted: Hosted | None) -> None:
        self._gateway = gateway
        self._door = door
        self._contract = contract
        self._hosted = hosted

    async def models(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """GET /models: the names a client may send, then every address `backend/model`."""
        client = self._door.admit(scope)
        await respond(send, 200, orjson.dumps({"object": "list", "data": list(self._entries(client).values())}))

    async def model(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """GET /models/NAME; an address `backend/model` may be written with its slash or with %2F."""
        client = self._door.admit(scope)
        entry = self._entries(client).get(unquote(scope["path"].partition("/models/")[2]))
        if entry is None:
            raise NotFound("There is no such model; GET /models lists what there is")
        await respond(send, 200, orjson.dumps(entry))

    async def balance(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """GET /user/balance: the hosted account's own answer, byte for byte."""
        self._door.admit(scope)
        if self._hosted is None:
            raise NotFound("No hosted DeepSeek API is configured, so there is no balance; set DEEPSEEK_API_KEY")
        await respond(send, 200, await self._hosted.fetch("/user/balance"))

    def _entries(self, client: Client | None) -> dict[str, dict[str, Any]]:
        """Those that the client may ask for."""
        entries = self._all_entries()
        return entries if client is None else {name: entry for name, entry in entries.items() if client.may_ask(name)}

    def _all_entries(self) -> dict[str, dict[str, Any]]:
        snapshot, hosted = self._gateway.backends.snapshot(), self._contract.models
        owners = {model: view for view in reversed(snapshot.backends) for model in view.models}
        entries: dict[str, dict[str, Any]] = {}
        for name in model_names(snapshot, self._gateway.policy):
            view = owners.get(name)
            entries[name] = model_fields(name, view.name if view else "tidegate", view.note if view else "")
            if name in hosted:
                entries[name] |= hosted_model_fields(hosted[name], self._contract)
        for view in snapshot.backends:
            for model in view.models:
                entries[f"{view.name}/{model}"] = model_fields(f"{view.name}/{model}", view.name, view.note)
        return entries
