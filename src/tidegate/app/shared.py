"""State that is shared with other processes: the same parts as `Kept`, with those that must be one behind the steward.

Only a worker of several imports this. Which parts are each worker's own, and why that is enough, is in
docs/keeps-working.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidegate.app.kept import Kept
from tidegate.config import Config
from tidegate.ledger.entries import Entry
from tidegate.resilience.breaker import OwnBreakers
from tidegate.steward.allowances import SharedAllowances
from tidegate.steward.breakers import SharedBreakers
from tidegate.steward.engine import SharedEngine
from tidegate.steward.lanes import SharedLanes
from tidegate.steward.link import Hears, Link
from tidegate.steward.marks import SharedMarks
from tidegate.steward.orders import VIEW, WorkerView
from tidegate.steward.others import Others
from tidegate.steward.relay import WRONG_KEY
from tidegate.surfaces.attempts import Attempts


class SharedKept(Kept):
    """Of one worker. `begin` before it serves, when its ledger is open."""

    def __init__(self, config: Config, state_folder: Path, link: Link, *, has_engine: bool) -> None:
        super().__init__(config, state_folder)
        self._link = link
        self.lanes = lanes = SharedLanes(link)
        own = self.breakers
        assert isinstance(own, OwnBreakers)
        self.breakers = breakers = SharedBreakers(own, link)
        self.allowances = allowances = SharedAllowances(link)
        self.attempts = attempts = SharedAttempts(link)
        self._marks = SharedMarks(link, self._remember)
        self.spread = self._marks.spread
        self.whole = whole = SharedWhole(link, lanes, allowances)
        link.learn(self._marks.answers, whole.others.answers, hears=[lanes.hears, breakers.hears, attempts.hears])
        self._engine = SharedEngine(link) if has_engine else None
        if self._engine is not None:
            self.engine = self._engine
            link.learn(hears=[self._engine.hears])

    async def begin(self) -> None:
        await self._marks.begin()
        if self._engine is not None:
            await self._engine.begin()

    def _remember(self, marks: Sequence[str], seen_at: float) -> None:
        if self._conversations is not None:
            self._conversations.remember(marks, seen_at)


class SharedAttempts(Attempts):
    """Wrong keys count at every worker: guessing at several at once is no quicker."""

    def __init__(self, link: Link) -> None:
        super().__init__(time.monotonic)
        self._link = link
        self.hears: Hears = {WRONG_KEY: self._hear}

    def failed(self, address: str) -> float:
        wait_s = super().failed(address)
        if not wait_s:
            self._link.tell(WRONG_KEY, address)
        return wait_s

    def _hear(self, _link: Link, value: Any) -> None:
        super().failed(str(value))
        self.wrong -= 1  # counted where it was sent


class SharedWhole:
    """What is shown of all workers together. A worker that does not answer in time is left out."""

    def __init__(self, link: Link, lanes: SharedLanes, allowances: SharedAllowances) -> None:
        self._link = link
        self._allowances = allowances
        self._lanes = lanes
        self._status: Callable[[], dict[str, Any]] | None = None
        self._exchange: Callable[[str], Entry | None] | None = None
        self.others = Others(link, {"status": self._tell_status, "exchange": self._tell_exchange})

    def tells(self, status: Callable[[], dict[str, Any]], exchange: Callable[[str], Entry | None]) -> None:
        self._status, self._exchange = status, exchange

    async def look(self) -> None:
        await self._lanes.look()
        await self._allowances.look()

    async def find(self, exchange_id: str) -> Entry | None:
        found = await self.others.ask("exchange", exchange_id)
        return msgspec.convert(found[0], Entry) if found else None

    async def merged(self, status: dict[str, Any]) -> dict[str, Any]:
        workers = await self._link.ask(VIEW, kind=list[WorkerView])
        shown = merged(status, await self.others.ask("status"))
        return shown | {"workers": [{name: getattr(one, name) for name in one.__struct_fields__} for one in workers]}

    async def _tell_status(self, _about: Any) -> dict[str, Any] | None:
        return None if self._status is None else self._status()

    async def _tell_exchange(self, about: Any) -> Entry | None:
        return None if self._exchange is None else self._exchange(str(about))


def merged(own: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The status of one worker with the counts of all. What is of all already, such as slots, stays as it is."""
    shown = dict(own)
    for table in ("ledger", "content"):
        if table in own:
            shown[table] = _summed([own[table], *(one[table] for one in others if table in one)])
    legacy = [one["legacy_names"]["seen"] for one in (own, *others)]
    shown["legacy_names"] = own["legacy_names"] | {"seen": _summed(legacy)}
    return shown


def _summed(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Numbers are added; of anything else the first that says something."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in counts for name in one):
        values = [one[name] for one in counts if one.get(name) is not None]
        found[name] = (
            sum(values) if values and all(isinstance(value, int) for value in values) else next(iter(values), None)
        )
    return found
