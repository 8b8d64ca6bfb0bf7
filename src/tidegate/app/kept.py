"""State: what outlives a change of the configuration, and the few settings of it that change in one step.

Everything else of `App` is settings and is built anew. What a request was found to be, what is counted and what is held by
requests under way belongs here: lost, it would loosen a promise or give a slot, a budget or a place away twice.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from tidegate.app.keys import key_file_path
from tidegate.app.screening import conversations_of
from tidegate.app.watch.parts import ALERT_LIMITS
from tidegate.app.watch.watch import Watch
from tidegate.backends.base import Backend
from tidegate.backends.connection import Limits
from tidegate.backends.engine import EngineRole
from tidegate.backends.measuring import Leave, Measuring
from tidegate.backends.probe import WATCH_LIMITS
from tidegate.backends.profile_store import ProfileStore
from tidegate.backends.transport import Transport
from tidegate.config import Config
from tidegate.core.exchange import Exchange
from tidegate.keys.ring import KeyRing
from tidegate.ledger.spending import spent_this_month
from tidegate.ledger.store import Ledger
from tidegate.pipeline.ahead import Spread
from tidegate.pipeline.replay import ReasoningMemory
from tidegate.privacy.conversations import Conversations
from tidegate.privacy.masking.pseudonyms import Vault
from tidegate.resilience.allowance import Allowances, KeyView, OwnAllowances, Spent
from tidegate.resilience.breaker import Breakers, OwnBreakers
from tidegate.resilience.lane import Turn
from tidegate.resilience.lanes import Lanes, OwnLanes
from tidegate.surfaces.admin import Whole
from tidegate.surfaces.attempts import Attempts
from tidegate.surfaces.front import Drain
from tidegate.surfaces.metrics.meter import Meter


class AdjustedLanes(Lanes, Protocol):
    """Lanes whose settings change with the configuration."""

    def adjust(self, wait_s: float) -> None: ...

    def forget(self, name: str) -> None: ...


class AdjustedBreakers(Breakers, Protocol):
    def adjust(self, failures: int, open_s: float, longest_open_s: float) -> None: ...

    def forget(self, backend: str) -> None: ...


class AdjustedAllowances(Allowances, Protocol):
    def adjust(self, wait_s: float) -> None: ...

    def learn(self, spent: Spent) -> None: ...

    def view(self) -> list[KeyView]: ...


class Kept:
    """Made once, by the first `App`; handed from each to the next."""

    def __init__(self, config: Config, state_folder: Path) -> None:
        self.transport = Transport(limits_of(config))
        self.watcher = Transport(WATCH_LIMITS)
        self.lanes: AdjustedLanes = OwnLanes(config.timeouts.queue_s)
        breaker = config.breaker
        self.breakers: AdjustedBreakers = OwnBreakers(
            time.monotonic, breaker.failures, breaker.open_s, breaker.longest_open_s
        )
        self.profiles = ProfileStore(state_folder / "profiles.json")
        self.measuring = Measuring(self.profiles, today, in_turn=self._in_turn)
        self.ledger = Ledger(ledger_path(config, state_folder), config.ledger.flush_interval_s)
        self.memory = ReasoningMemory(config.replay.memory_bytes, key=os.urandom(32))
        self.vault = Vault(os.urandom, config.privacy.mask_s)
        self.drain = Drain()
        self.alerting = Transport(ALERT_LIMITS)
        self.watch = Watch()
        self.meter = Meter()
        self._conversations: Conversations | None = None
        self.keys = KeyRing(key_file_path(state_folder))
        self.keys.open()
        self.attempts = Attempts(time.monotonic)
        self.allowances: AdjustedAllowances = OwnAllowances(time.monotonic, wait_s=config.timeouts.queue_s)
        self.generation = 1
        """That of the first configuration."""
        # What only several processes have: see `app/shared`.
        self.leads = True
        """One process polls the balance and sends the alerts, for all."""
        self.engine: EngineRole | None = None
        self.spread: Spread | None = None
        self.whole: Whole | None = None

    async def spending(self) -> list[KeyView]:
        """What keys have under way and spent, in all processes."""
        if self.whole is not None:
            await self.whole.look()
        return self.allowances.view()

    async def learn_spending(self) -> None:
        """What keys have spent in this month and before they had a budget. The ledger must be open."""
        self.allowances.learn(await asyncio.to_thread(spent_this_month, self.ledger.path, time.time()))

    def conversations(self, sticky_s: float) -> Conversations:
        """Which were private, from before the start too, as far as the ledger remembers them. It must be open."""
        if self._conversations is None:
            before = self.ledger.private_conversations(time.time() - sticky_s)
            self._conversations = conversations_of(self.ledger.salt, sticky_s, before.items())
        return self._conversations

    async def _in_turn(self, backend: Backend, model: str) -> Leave:
        """A place in the backend's lane for what is measured there: it waits like any request. Gives what leaves it."""
        return (await self.lanes.enter(backend.room, model, Turn(priority="low"))).leave

    def on_ended(self, exchange: Exchange) -> None:
        """It is over and booked."""
        self.meter.note(exchange)
        self.watch.note(exchange)

    def forget(self, names: Iterable[str]) -> None:
        """Behind these names are other backends now, or none: what was learned of those before does not hold."""
        for name in names:
            self.breakers.forget(name)
            self.measuring.forget(name)

    def adjust(self, config: Config) -> None:
        """The settings that live in state, all at once. Cannot fail: it is done when there is no way back."""
        breaker = config.breaker
        self.transport.adjust(limits_of(config))
        self.lanes.adjust(config.timeouts.queue_s)
        self.allowances.adjust(config.timeouts.queue_s)
        self.breakers.adjust(breaker.failures, breaker.open_s, breaker.longest_open_s)
        self.memory.adjust(config.replay.memory_bytes)
        self.vault.adjust(config.privacy.mask_s)
        if self._conversations is not None:
            self._conversations.adjust(config.privacy.sticky_s)


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def ledger_path(config: Config, state_folder: Path) -> Path:
    return Path(config.ledger.path).expanduser() if config.ledger.path else state_folder / "ledger.sqlite3"


def limits_of(config: Config) -> Limits:
    wait = config.timeouts
    return Limits(wait.connect_s, wait.first_byte_s, wait.idle_s, wait.load_s, wait.queue_s)
