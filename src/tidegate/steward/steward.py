"""The steward's desks behind one link per worker. It answers no client and reads no content."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from tidegate.backends.engine import Engine
from tidegate.core.timers import Timers
from tidegate.resilience.allowance import OwnAllowances
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.allowances import AllowanceDesk
from tidegate.steward.breakers import BreakerDesk
from tidegate.steward.engine import EngineDesk
from tidegate.steward.lanes import LaneDesk
from tidegate.steward.link import Answers, Hears, Link
from tidegate.steward.marks import MarkDesk
from tidegate.steward.others import OthersDesk
from tidegate.steward.relay import RelayDesk


class Steward:
    def __init__(
        self,
        lanes: OwnLanes,
        allowances: OwnAllowances | None = None,
        engine: Engine | None = None,
        timers: Callable[[], Timers] = asyncio.get_running_loop,
    ) -> None:
        self.links: list[Link] = []
        """Of all workers that are connected."""
        self.end_worker: Callable[[Link], None] = Link.close
        """How a worker is ended that does not answer: the crew kills it."""
        self.lanes = LaneDesk(lanes, timers)
        self._breakers = BreakerDesk(self._workers)
        self._marks = MarkDesk(lambda link: self.end_worker(link))
        self._others = OthersDesk(self._workers)
        self._relay = RelayDesk(self._workers)
        self._allowances = AllowanceDesk(allowances or OwnAllowances(time.monotonic, timers=timers))
        self._engine = None if engine is None else EngineDesk(engine, self._workers)

    def new_link(self, answers: Answers, hears: Hears) -> Link:
        """The steward's end of a link to a worker that comes up. The other words are the crew's."""
        link = Link(answers, hears, on_back=self._back, on_end=self._end)
        link.learn(self.lanes.answers, self._marks.answers, self._others.answers, self._allowances.answers)
        link.learn(hears=(self.lanes.hears, self._breakers.hears, self._allowances.hears, self._relay.hears))
        if self._engine is not None:
            link.learn(self._engine.answers)
        self.links.append(link)
        return link

    def _workers(self) -> Iterable[Link]:
        return tuple(self.links)

    def _back(self, link: Link, number: int) -> None:
        self.lanes.back(link, number)
        self._allowances.back(link, number)

    def _end(self, link: Link) -> None:
        self.links.remove(link)
        self.lanes.end(link)
        self._breakers.end(link)
        self._marks.end(link)
        self._allowances.end(link)
