"""What one simulator is made of, and what it has seen. Shared by `session`, `hosted` and `admin`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from tidegate.catalog.contracts import DEFAULT_PROFILE, Contract, contract_named
from tidegate.catalog.contracts.contract import CacheParameters
from tidegate.catalog.prices import Currency
from tidegate.simulator.accounts import Accounts, check_currency
from tidegate.simulator.brain import Brain
from tidegate.simulator.cache import PrefixCache
from tidegate.simulator.clock import Clock
from tidegate.simulator.faults import FaultBook
from tidegate.simulator.prompt import check_installed
from tidegate.simulator.queue import Line
from tidegate.simulator.responder import ScriptedBrain
from tidegate.simulator.seen import Seen, SeenRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be chosen. `cache` replaces single parameters of the profile's, and `common_prefixes` 1 switches their
    detection on; `at` None is now.
    """

    profile: str = DEFAULT_PROFILE
    aliases: Literal["reject", "remap"] = "reject"
    keys: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    balance: Decimal = Decimal("10.00")
    currency: Currency = "USD"
    at: datetime | None = None
    time_scale: float = 1.0
    slots: int = 0
    passback: bool = True
    shape_status: int = 400
    cache: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(kw_only=True)
class Parts:
    """One simulator's parts, put together by `parts_of`."""

    settings: Settings
    contract: Contract
    clock: Clock
    accounts: Accounts
    cache: PrefixCache
    line: Line
    brain: Brain
    on_done: Callable[[Seen], None]
    faults: FaultBook = field(default_factory=FaultBook)
    seen: SeenRequests = field(default_factory=SeenRequests)

    def note(self, method: str, path: str) -> Seen:
        return self.seen.note(method, path, self.clock.now())


def parts_of(
    settings: Settings,
    *,
    brain: Brain | None = None,
    clock: Clock | None = None,
    on_done: Callable[[Seen], None] = lambda _seen: None,
) -> Parts:
    """Refuses what cannot be simulated before anything is served."""
    check_installed()
    contract = contract_named(settings.profile)
    check_currency(contract, settings.currency)
    clock = clock or Clock(settings.at or datetime.now(UTC), settings.time_scale)
    queue = {row.name: row.values["value"] for row in contract.tables["queue"].values()}
    return Parts(
        settings=settings,
        contract=contract,
        clock=clock,
        accounts=Accounts(settings.currency, settings.balance, settings.keys),
        cache=PrefixCache(
            _cache_parameters(contract, settings.cache),
            detects_common_prefixes=bool(settings.cache.get("common_prefixes")),
        ),
        line=Line(
            clock, slots=settings.slots, keep_alive_s=queue["keep_alive_s"], close_after_s=queue["close_after_s"]
        ),
        brain=brain or ScriptedBrain(),
        on_done=on_done,
    )


def _cache_parameters(contract: Contract, changed: Mapping[str, float]) -> CacheParameters:
    values = {row.name: row.values["value"] for row in contract.tables["cache"].values()}
    return CacheParameters(**{name: type(value)(changed.get(name, value)) for name, value in values.items()})
