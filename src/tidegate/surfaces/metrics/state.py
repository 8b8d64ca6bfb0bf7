"""What a scrape reads off the gateway at that moment: nothing is counted here, and nothing is kept between two scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tidegate import __version__
from tidegate.core.decision import Health
from tidegate.pipeline.gateway import Gateway
from tidegate.resilience.allowance import KeyView
from tidegate.resilience.breaker import State
from tidegate.surfaces.front import Drain
from tidegate.surfaces.metrics import catalogue as known
from tidegate.surfaces.metrics.catalogue import Metric

HEALTHS: tuple[Health, ...] = ("up", "starting", "down", "unknown")
STATES: tuple[State, ...] = ("closed", "open", "half_open")

Reading = tuple[Metric, tuple[str, ...], float]


class Book(Protocol):
    """What is read of the ledger."""

    waiting: Any
    written: int
    dropped: int
    error: str | None


class Balance(NamedTuple):
    """The hosted account behind `backend` at `seen_at` (unix seconds), per currency."""

    backend: str
    amounts: dict[str, Decimal]
    low: bool
    seen_at: float


class Posts(NamedTuple):
    """What became of alerts, by event."""

    sent: dict[str, int]
    lost: dict[str, int]
    waiting: int


class Watched(Protocol):
    """What is read of the watch."""

    @property
    def balance(self) -> Balance | None: ...

    @property
    def posts(self) -> Posts: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom a scrape reads. `contract` is the dated profile's name."""

    gateway: Gateway
    book: Book
    drain: Drain
    generation: int = 1
    contract: str = ""
    watched: Watched | None = None
    keys: Callable[[], list[KeyView]] = list

    def read(self) -> Iterator[Reading]:
        yield known.INFO, (__version__, self.contract), 1.0
        yield known.GENERATION, (), float(self.generation)
        yield known.OPEN, (), float(self.drain.open)
        yield known.DRAINING, (), float(self.drain.draining)
        yield from self._backends()
        yield from self._breakers()
        yield from self._ledger()
        yield from self._keys()
        if self.watched is not None:
            yield from _watched(self.watched)

    def _backends(self) -> Iterator[Reading]:
        for view in self.gateway.backends.snapshot().backends:
            for health in HEALTHS:
                labels = (view.name, view.boundary.value, health)
                yield known.HEALTH, labels, float(view.health == health)
        for lane in self.gateway.guard.lanes.view():
            yield known.IN_FLIGHT, (lane.backend,), float(lane.used)
            yield known.WAITING, (lane.backend,), float(lane.waiting)
            if lane.total is not None:
                yield known.LIMIT, (lane.backend,), float(lane.total)
            for pace in lane.paces:
                if pace.limit is not None:
                    yield known.PACE, (lane.backend, pace.model), float(pace.limit)
                    yield known.PACED, (lane.backend, pace.model), float(pace.in_flight)

    def _breakers(self) -> Iterator[Reading]:
        for one in self.gateway.guard.breakers.view():
            for state in STATES:
                yield known.BREAKER, (one.backend, one.model, state), float(one.state == state)
            yield known.OPENED, (one.backend, one.model), float(one.opened)
            yield known.PROBES, (one.backend, one.model), float(one.probes)
            yield known.KEPT_OUT, (one.backend, one.model), float(one.refused)

    def _keys(self) -> Iterator[Reading]:
        for key in self.keys():
            yield known.KEY_IN_FLIGHT, (key.key_id,), float(key.under_way)
            yield known.KEY_WAITING, (key.key_id,), float(key.waiting)
            for period, spent in key.spent.items():
                yield known.SPENT, (key.key_id, period), float(spent)
            for period, reserved in key.reserved.items():
                yield known.RESERVED, (key.key_id, period), float(reserved)

    def _ledger(self) -> Iterator[Reading]:
        book = self.book
        yield known.WRITTEN, (), float(book.written)
        yield known.DROPPED, (), float(book.dropped)
        yield known.UNWRITTEN, (), float(book.waiting)
        yield known.FAILING, (), float(book.error is not None)


def _watched(watched: Watched) -> Iterator[Reading]:
    if (balance := watched.balance) is not None:
        for currency, amount in balance.amounts.items():
            yield known.BALANCE, (balance.backend, currency), float(amount)
        yield known.BALANCE_LOW, (balance.backend,), float(balance.low)
        yield known.BALANCE_AT, (balance.backend,), balance.seen_at
    posts = watched.posts
    for event, times in posts.sent.items():
        yield known.ALERTS_SENT, (event,), float(times)
    for event, times in posts.lost.items():
        yield known.ALERTS_LOST, (event,), float(times)
    yield known.ALERTS_WAITING, (), float(posts.waiting)
