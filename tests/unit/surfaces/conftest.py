"""The whole front of the gateway over scripted backends, with its ledger in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.guarded import guard
from tests.support.screened import screening

from tidegate.backends.registry import Registry
from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.keys.file import KeyFile
from tidegate.keys.ring import KeyRing
from tidegate.ledger.store import Ledger
from tidegate.pipeline.gateway import Gateway
from tidegate.routing.policy import Policy
from tidegate.surfaces.account import AccountSurface
from tidegate.surfaces.admin import AdminSurface
from tidegate.surfaces.answering import AnsweringSurface
from tidegate.surfaces.anthropic import MessagesFormat
from tidegate.surfaces.auth import Client, Door
from tidegate.surfaces.formats import Format
from tidegate.surfaces.keys import KeysSurface
from tidegate.surfaces.openai import ChatFormat, FimFormat
from tidegate.surfaces.server import Server, Surfaces

CONTRACT = contract_named(DEFAULT_PROFILE)


@dataclass(frozen=True, slots=True)
class Front:
    """The ASGI application and what stands behind it."""

    server: Server
    gateway: Gateway
    ledger: Ledger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.server(scope, receive, send)


@pytest.fixture
def front(tmp_path: Path) -> Callable[..., Front]:
    """Builds a front: `front(FakeBackend(), clients={...}, policy=..., body_limit_bytes=...)`."""

    def build(
        *backends: Any,
        clients: dict[str, Client] | None = None,
        policy: Policy | None = None,
        body_limit_bytes: int = 1_000_000,
        hosted: Any = None,
        admin_key: str | None = None,
        keys: KeyRing | None = None,
        **more: Any,
    ) -> Front:
        """`keys` are those that are made while it runs; `more` is of the surfaces that answer: `keep_alive_s`, `timers`."""
        ledger = Ledger(tmp_path / "ledger.sqlite3")
        door = Door(clients or {}, stored=keys, admin_key=admin_key)
        gateway = _gateway(backends, policy or Policy(), ledger)

        def answering(form: Format) -> AnsweringSurface:
            return AnsweringSurface(gateway, door, form, body_limit_bytes=body_limit_bytes, hash_key=b"key", **more)

        offered = Surfaces(
            chat=answering(ChatFormat(CONTRACT, beta=False)),
            beta_chat=answering(ChatFormat(CONTRACT, beta=True)),
            fim=answering(FimFormat(CONTRACT, beta=True)),
            off_beta=answering(FimFormat(CONTRACT, beta=False)),
            messages=answering(MessagesFormat(CONTRACT)),
            account=AccountSurface(gateway, door, CONTRACT, hosted),
            admin=AdminSurface(gateway, door, ledger),
            keys=None if keys is None else KeysSurface(door, KeyFile(keys.path), keys, taken=frozenset({"configured"})),
        )
        return Front(Server(offered), gateway, ledger)

    return build


def _gateway(backends: Sequence[Any], policy: Policy, ledger: Ledger) -> Gateway:
    ids = iter(f"{number:032x}" for number in range(1000))
    registry = Registry(backends)
    return Gateway(
        registry,
        policy,
        ledger.record,
        price=lambda _model, _usage, _at: Decimal("0.001"),
        wall_clock=lambda: 1_700_000_000.0,
        timer=lambda: 0.0,
        new_id=lambda: next(ids),
        screening=screening(policy),
        guard=guard(registry),
    )
