"""State that is shared with other processes: the same parts as `Kept`, with those that must be one behind the steward.

Only a worker of several imports this. Which parts are each worker's own, and why that is enough, is in
docs/keeps-working.md.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidegate.app.kept import Kept, today
from tidegate.app.watch.alerts import Value
from tidegate.app.whole import merged
from tidegate.backends.measuring import Leave, Measuring
from tidegate.backends.profile_store import Measured
from tidegate.config import Config
from tidegate.config.resilience import AlertEvent
from tidegate.ledger.entries import Entry
from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.lane import NO_TERMS
from tidegate.steward.allowances import SharedAllowances
from tidegate.steward.breakers import SharedBreakers
from tidegate.steward.engine import SharedEngine
from tidegate.steward.lanes import MEASURING, SharedLanes
from tidegate.steward.link import Hears, Link
from tidegate.steward.marks import SharedMarks
from tidegate.steward.orders import VIEW, WorkerView
from tidegate.steward.others import Others
from tidegate.steward.relay import ALERT, MEASURED, WRONG_KEY
from tidegate.surfaces.attempts import Attempts


class SharedKept(Kept):
    """Of one worker. `begin` before it serves, when its ledger is open."""

    def __init__(self, config: Config, state_folder: Path, link: Link, *, number: int, has_engine: bool) -> None:
        super().__init__(config, state_folder)
        self._link = link
        self.leads = number == 1
        self.lanes = lanes = SharedLanes(link)
        own = self.breakers
        assert isinstance(own, OwnBreakers)
        self.breakers = breakers = SharedBreakers(own, link)
        self.allowances = allowances = SharedAllowances(link)
        self.attempts = attempts = SharedAttempts(link)
        self.measuring = Measuring(self.profiles, today, in_turn=self._in_turn, alone=self._alone)
        self.profiles.on_kept = lambda measured: link.tell(MEASURED, measured)
        if not self.leads:
            self.watch.pass_on = self._pass_on
        self._marks = SharedMarks(link, self._remember)
        self.spread = self._marks.spread
        self.whole = whole = SharedWhole(link, lanes, allowances)
        link.learn(self._marks.answers, whole.others.answers)
        link.learn(hears=[lanes.hears, breakers.hears, attempts.hears])
        link.learn(hears=[{ALERT: self._hear_alert, MEASURED: self._hear_measured}])
        self._engine = SharedEngine(link) if has_engine else None
        if self._engine is not None:
            self.engine = self._engine
            link.learn(hears=[self._engine.hears])

    async def begin(self) -> None:
        await self._marks.begin()
        if self._engine is not None:
            await self._engine.begin()

    async def _alone(self) -> Leave:
        """Measuring is a lane of one place, in which no request ever is."""
        return (await self.lanes.enter(MEASURING, "", NO_TERMS)).leave

    def _hear_measured(self, _link: Link, value: Any) -> None:
        self.profiles.take(msgspec.convert(value, Measured))

    def _pass_on(self, event: AlertEvent, of: str, data: dict[str, Value]) -> None:
        self._link.tell(ALERT, (event, of, data))

    def _hear_alert(self, _link: Link, value: Any) -> None:
        if self.leads:
            self.watch.raise_once(*msgspec.convert(value, tuple[AlertEvent, str, dict[str, Value]]))

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
        self._dump: Callable[[], Awaitable[dict[str, Any]]] | None = None
        self.others = Others(
            link, {"status": self._tell_status, "exchange": self._tell_exchange, "metrics": self._tell_metrics}
        )

    def tells(self, status: Callable[[], dict[str, Any]], exchange: Callable[[str], Entry | None]) -> None:
        self._status, self._exchange = status, exchange

    async def metrics(self) -> Iterable[Any]:
        """Also brings the lanes up to date, which the page reads next."""
        await self.look()
        return await self.others.ask("metrics")

    def tells_metrics(self, dump: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._dump = dump

    async def _tell_metrics(self, _about: Any) -> dict[str, Any] | None:
        return None if self._dump is None else await self._dump()

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
