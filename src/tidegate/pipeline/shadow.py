"""Shadows: a public request that was answered is asked once more elsewhere, and the two answers are compared in numbers.

Begins when the client's answer is over, in a task of its own, with an exchange and a decision of its own. Each target works
on one shadow at a time, so that it never takes more than one slot from real requests; what would pile up is dropped.
Holds answers in memory only, and only while they are compared.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.errors import GatewayError
from tidegate.core.exchange import Exchange
from tidegate.core.fold import Answer, Folding
from tidegate.core.requests import ChatRequest, Request
from tidegate.pipeline.beside import Asker, beside, with_rule
from tidegate.pipeline.compare import Comparison, Side, compare, side
from tidegate.pipeline.hearing import Keeper
from tidegate.pipeline.screening import Decided
from tidegate.routing.policy import Ask
from tidegate.routing.rules import LOCAL, NAMED_BACKEND, SHADOWED

SURFACE = "shadow"
MOST_WAITING = 16
"""Requests that wait for one target, in memory."""
_PLAIN_ACTIONS = (None, "allow")
_log = logging.getLogger("tidegate.pipeline")

Views = Callable[[], tuple[BackendView, ...]]


@dataclass(slots=True)
class _Lane:
    """One target, and what became of the shadows sent there. `similarity` and `same_finish` are sums."""

    target: str
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    waiting: int = 0
    compared: int = 0
    failed: int = 0
    dropped: int = 0
    similarity: float = 0.0
    same_finish: int = 0
    last: str | None = None
    """Id of the last exchange that was compared."""

    def add(self, exchange_id: str, comparison: Comparison) -> None:
        self.last = exchange_id
        self.compared += 1
        self.similarity += comparison.similarity
        self.same_finish += comparison.same_finish

    def view(self) -> dict[str, Any]:
        mean = round(self.similarity / self.compared, 4) if self.compared else None
        counts = {"waiting": self.waiting, "compared": self.compared, "failed": self.failed, "dropped": self.dropped}
        return {"to": self.target, **counts, "same_finish": self.same_finish, "similarity": mean, "last": self.last}


@dataclass(frozen=True, slots=True)
class _First:
    """The answer that the client got."""

    exchange: Exchange
    request: Request = field(repr=False)
    answer: Answer = field(repr=False)
    side: Side


class Shadow:
    def __init__(
        self,
        targets: tuple[str, ...] = (),
        share: float = 1.0,
        views: Views = tuple,
        before: Shadow | None = None,
    ) -> None:
        """`views` gives the backends as routing sees them now. The targets that `before` has are counted on, and still work
        on one shadow at a time."""
        known: dict[str, _Lane] = {} if before is None else {lane.target: lane for lane in before._lanes}
        self._lanes = [known.get(target) or _Lane(target) for target in targets]
        self._share = share
        self._views = views
        self._due = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def keeper(self, asker: Asker, exchange: Exchange, decided: Decided[Any]) -> Keeper | None:
        """Who compares the client's answer; None when this request has no shadow. Every nth has one, by share."""
        if not self._lanes or not _may_be_shadowed(exchange):
            return None
        self._due += self._share
        if self._due < 1:
            return None
        self._due -= 1
        return lambda ended, answer: self._begin(asker, ended, decided.request, answer)

    def _begin(self, asker: Asker, exchange: Exchange, request: Request, answer: Answer) -> None:
        """The answer is over. Its class may be higher now than it was: what was remembered for it counts too."""
        if exchange.status != 200 or not _may_be_shadowed(exchange) or any(send.masked for send in exchange.sends):
            return
        backend, model = exchange.backend or "", exchange.model or ""
        said = side(answer, backend, model, exchange.elapsed_s(), json=_wants_json(request))
        first = _First(exchange, request, answer, said)
        for lane in self._lanes:
            if lane.target in (backend, f"{backend}/{model}") or not self._may_go(lane.target, exchange):
                continue
            if lane.waiting >= MOST_WAITING:
                lane.dropped += 1
                continue
            lane.waiting += 1
            task = asyncio.get_running_loop().create_task(self._ask(asker, lane, first))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_go(self, target: str, exchange: Exchange) -> bool:
        """What could not have left the first time does not leave as a shadow, whatever its class."""
        boundaries = {view.name: view.boundary for view in self._views()}
        if boundaries.get(target.partition("/")[0], Boundary.EXTERNAL) is not Boundary.EXTERNAL:
            return True
        allowed = exchange.decision.candidates if exchange.decision else ()
        return any(boundaries.get(one.backend) is Boundary.EXTERNAL for one in allowed)

    async def _ask(self, asker: Asker, lane: _Lane, first: _First) -> None:
        try:
            async with lane.turn:
                lane.add(*await _compared(asker, lane.target, first))
        except GatewayError:  # its exchange has it
            lane.failed += 1
        except Exception as error:
            lane.failed += 1
            _log.error("unexpected %s in a shadow", type(error).__name__)
        finally:
            lane.waiting -= 1

    async def settled(self) -> None:
        """Returns when no shadow is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def view(self) -> list[dict[str, Any]]:
        """How far the answers of each target were from those that clients got, since the start."""
        return [lane.view() for lane in self._lanes]


NO_SHADOW = Shadow()


def _may_be_shadowed(exchange: Exchange) -> bool:
    """Who named one backend, or home, was promised that no other is asked."""
    decision = exchange.decision
    if decision is None or decision.each or exchange.shadow_of is not None:
        return False
    if {NAMED_BACKEND.code, LOCAL.code} & set(decision.rules):
        return False
    return exchange.data_class is DataClass.PUBLIC and exchange.action in _PLAIN_ACTIONS


async def _compared(asker: Asker, target: str, first: _First) -> tuple[str, Comparison]:
    """The shadow's exchange and what it showed."""
    with beside(asker, first.exchange, SURFACE) as exchange:
        exchange.asked_model = target
        try:
            decided = await asker.decide(exchange, Ask(target, wished_class=first.exchange.data_class), first.request)
        finally:
            if exchange.decision is not None:
                exchange.decision = with_rule(exchange.decision, SHADOWED)
        folding = Folding(logprobs=False)
        async with aclosing(asker.answer(exchange, decided)) as batches:
            async for frames in batches:
                for frame in frames:
                    for event in frame.events:
                        folding.add(event)
        answer = folding.answer()
        json, duration_s = _wants_json(decided.request), exchange.elapsed_s()
        said = side(answer, exchange.backend or "", exchange.model or "", duration_s, json=json)
        comparison = compare(first.answer, answer, first.side, said)
        exchange.compared = msgspec.json.encode(comparison).decode()
        return exchange.exchange_id, comparison


def _wants_json(request: Request) -> bool:
    return isinstance(request, ChatRequest) and (request.response_format or {}).get("type", "text") != "text"
