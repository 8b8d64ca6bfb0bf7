"""A gateway over scripted backends, and all that it booked and priced; without surfaces and without sockets."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.support.guarded import ONCE, guard
from tests.support.samples import request
from tests.support.screened import screening

from tidegate.backends.fake import FakeBackend, default_script
from tidegate.backends.registry import Registry
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import GatewayError
from tidegate.core.events import Event
from tidegate.core.exchange import Exchange
from tidegate.core.requests import ChatRequest
from tidegate.core.usage import Usage
from tidegate.ledger.entries import Entry
from tidegate.pipeline.gateway import Gateway
from tidegate.pipeline.replay import NO_MEMORY, ReasoningMemory
from tidegate.pipeline.screening import Screening
from tidegate.pipeline.shadow import Shadow
from tidegate.resilience.retry import RetryPolicy
from tidegate.routing.policy import Ask, Policy


class Ticking:
    """A clock that moves one second each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class World:
    """A gateway over these backends and everything it booked and priced."""

    def __init__(
        self,
        *backends: Any,
        policy: Policy | None = None,
        registry: Any = None,
        memory: ReasoningMemory = NO_MEMORY,
        looking: Screening | None = None,
        shadow: tuple[str, ...] = (),
        share: float = 1.0,
        retry: RetryPolicy = ONCE,
    ) -> None:
        self.booked: list[Entry] = []
        self.exchange: Exchange | None = None
        self.priced: list[tuple[str, Usage | None, datetime]] = []
        ids = iter(f"{number:032x}" for number in range(1000))
        registry = registry or Registry(backends)
        self.gateway = Gateway(
            registry,
            policy or Policy(),
            self.booked.append,
            price=self.price,
            wall_clock=lambda: 1_700_000_000.5,
            timer=Ticking(),
            new_id=lambda: next(ids),
            screening=looking or screening(policy),
            memory=memory,
            guard=guard(registry, retry),
            shadow=Shadow(shadow, share, lambda: registry.snapshot().backends),
        )

    def price(self, model: str, usage: Usage | None, at: datetime) -> Decimal | None:
        self.priced.append((model, usage, at))
        return Decimal("0.00000012")

    async def ask(
        self,
        ask: Ask = Ask("auto"),  # noqa: B008
        asked: ChatRequest | None = None,
        client: str | None = None,
    ) -> list[Event]:
        said: list[Event] = []
        with self.gateway.exchange("test") as exchange:
            self.exchange, exchange.client = exchange, client
            meant = await self.gateway.decide(exchange, ask, asked or request())
            async with aclosing(self.gateway.answer(exchange, meant)) as batches:
                async for frames in batches:
                    said += [event for frame in frames for event in frame.events]
        return said

    @property
    def entry(self) -> Entry:
        assert len(self.booked) == 1, "each exchange is booked exactly once"
        return self.booked[0]


def fake(name: str, *steps: Event | GatewayError, **more: Any) -> FakeBackend:
    return FakeBackend(name, script=(lambda _request: steps) if steps else default_script, **more)


def external(name: str, *steps: Event | GatewayError, **more: Any) -> FakeBackend:
    return fake(name, *steps, boundary=Boundary.EXTERNAL, accepts=DataClass.INTERNAL, **more)


def heard(*backends: FakeBackend) -> list[int]:
    return [len(backend.heard) for backend in backends]
