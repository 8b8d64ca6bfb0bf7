"""How one call survives, in one visible order: budget, queue, pacing, breaker, the call with its limits, then another try.

Candidates come out of the decision and from nowhere else, so whatever fails and whatever is tried next, class and boundary
bind. Nothing is tried again once a frame went out; what then breaks off is `midstream`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tidegate.backends.base import Answering, Backend
from tidegate.core.boundary import Boundary
from tidegate.core.decision import Candidate
from tidegate.core.errors import (
    BackendLoading,
    BackendTimedOut,
    BackendUnreachable,
    BreakerOpen,
    BudgetSpent,
    ClientLeft,
    ConnectionLost,
    GatewayError,
)
from tidegate.core.events import Frame
from tidegate.core.exchange import Exchange
from tidegate.resilience.allowance import Allowances, NoLimits
from tidegate.resilience.breaker import Breakers
from tidegate.resilience.deadline import Deadlines
from tidegate.resilience.lane import NO_TERMS, Turn
from tidegate.resilience.lanes import Lanes, OwnLanes, Place
from tidegate.resilience.retry import RETRY, RetryPolicy, Tries
from tidegate.resilience.rules import LAST_TRIED, LEFT_ALONE, RETRIED

Ask = Callable[[Backend, Candidate], Awaitable[tuple[Answering, list[Frame]]]]
_NOTHING = Decimal(0)


class Backends(Protocol):
    """Where the guard finds backends (the registry)."""

    def find(self, name: str) -> Backend | None: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """One request as the guard sees it. `ask` asks one candidate and returns once the first frames are there."""

    exchange: Exchange
    candidates: Sequence[Candidate]
    ask: Ask
    most_usd: Callable[[], Decimal] = lambda: _NOTHING
    """The most that it can cost with any candidate."""
    fell_back: str = ""
    waited: str = ""
    """Codes of the rules to be noted when a later candidate is asked, or one that was loading its model."""
    again: bool = False
    """A part of the answer went out and broke off; the client's terms have let this exchange through already."""


class Held:
    """An answer on its way, and the place that it holds. `frames` are the first ones; `close` it, whatever happens."""

    __slots__ = ("_asked", "_breakers", "_candidate", "_place", "answering", "frames", "read")

    def __init__(
        self,
        answering: Answering,
        frames: list[Frame],
        place: Place,
        breakers: Breakers,
        candidate: Candidate,
        asked: str = "",
    ) -> None:
        self.answering = answering
        self.frames = frames
        self.read = answering.read
        self._place = place
        self._breakers = breakers
        self._candidate = candidate
        self._asked = asked

    def close(self, error: GatewayError | None = None, *, ended: bool = False) -> None:
        """`error` is what broke the answer off, if anything of the backend did; `ended`: it came to its end."""
        self.answering.close()
        self._place.leave(error)
        if error is not None or ended:
            self._breakers.note(self._candidate.backend, self._candidate.model, error, "end", asked=self._asked)


class Guard:
    def __init__(
        self,
        backends: Backends,
        *,
        allowances: Allowances = NoLimits(),  # noqa: B008 - it holds nothing
        lanes: Lanes | None = None,
        breakers: Breakers,
        retry: RetryPolicy = RETRY,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._backends = backends
        self._allowances = allowances
        self.lanes = lanes or OwnLanes()
        self.breakers = breakers
        self._retry = retry
        self._deadlines = deadlines or Deadlines(retry.deadline_s)

    async def begin(self, asking: Asking) -> Held:
        """The first candidate that begins to answer. No frame went to the client yet. Settled with the exchange."""
        candidates = await self._within_terms(asking)
        return await self._deadlines.keep(asking.exchange, self._first_to_answer(asking, candidates))

    async def _first_to_answer(self, asking: Asking, candidates: Sequence[Candidate]) -> Held:
        tries = Tries(self._retry, candidates)
        while True:
            candidate = tries.take()
            if candidate is None:
                candidate = await tries.after_pause(self._deadlines.left_s(asking.exchange))
                _note_again(asking, tries.last_error(candidate))
            elif tries.failure is not None:
                asking.exchange.fell_back = asking.fell_back
            try:
                return await self._try(asking, candidate, tries)
            except GatewayError as error:
                _note_attempt(asking.exchange, candidate, error)
                tries.failed(candidate, error)

    async def _try(self, asking: Asking, candidate: Candidate, tries: Tries) -> Held:
        """Queue and pacing, breaker, call. What was taken is given back, whatever happens."""
        name, model, exchange = candidate.backend, candidate.model, asking.exchange
        backend = self._backends.find(name)
        if backend is None:
            raise BackendUnreachable(f"backend {name!r} has just gone; try again")
        self.breakers.check(name, model, sole=tries.sole)  # nobody waits in the line of one that is left alone
        place = await self.lanes.enter(backend.room, model, _turn_of(exchange), exchange)
        probe = False
        try:
            probe = self.breakers.admit(name, model, sole=tries.sole)
            if probe and tries.sole:
                exchange.note_guarded(LAST_TRIED.code)
            tries.asked = True
            answering, frames = await self._ask(asking, candidate, backend)
        except BaseException as error:
            failure = error if isinstance(error, GatewayError) else self._given_up(exchange, candidate, tries)
            place.leave(failure)
            self.breakers.note(name, model, failure, probe=probe, asked=exchange.request_hash)
            raise
        self.breakers.note(name, model, None, probe=probe)
        return Held(answering, frames, place, self.breakers, candidate, exchange.request_hash)

    async def _ask(self, asking: Asking, candidate: Candidate, backend: Backend) -> tuple[Answering, list[Frame]]:
        """At once again where only the kept connection was lost: that is no pause's matter, and no breaker's."""
        try:
            return await asking.ask(backend, candidate)
        except ConnectionLost as error:
            if self._retry.attempts < 2:
                raise
            _note_attempt(asking.exchange, candidate, error)
        return await asking.ask(backend, candidate)

    async def _within_terms(self, asking: Asking) -> Sequence[Candidate]:
        """Budget, rate and concurrency of the client's key; with the budget used up perhaps those at home only."""
        exchange = asking.exchange
        if asking.again:
            admitted = exchange.narrowed is None
        else:
            admitted = exchange.terms is None or await self._allowances.admit(exchange, asking.most_usd())
        if admitted:
            return asking.candidates
        at_home = [one for one in asking.candidates if self._is_at_home(one)]
        if not at_home:
            raise BudgetSpent("the budget of this key is used up, and no backend at home may answer this request")
        return at_home

    def _is_at_home(self, candidate: Candidate) -> bool:
        backend = self._backends.find(candidate.backend)
        return backend is not None and backend.view.boundary is not Boundary.EXTERNAL

    def _given_up(self, exchange: Exchange, candidate: Candidate, tries: Tries) -> GatewayError:
        """What it says of the backend that the call was stopped. At the request's deadline it timed out; but if others had
        taken of that time, or if the client has left, it did nothing wrong."""
        if self._deadlines.is_over():
            timed_out = BackendTimedOut("the backend did not begin to answer in the time that the request had")
            _note_attempt(exchange, candidate, timed_out)
            if tries.failure is None and not exchange.queued_s:
                return timed_out
        return ClientLeft("the client left")


def _turn_of(exchange: Exchange) -> Turn:
    terms = exchange.terms
    return NO_TERMS if terms is None else Turn(terms.key_id, terms.weight, terms.priority)


def _note_again(asking: Asking, error: GatewayError | None) -> None:
    if isinstance(error, BackendLoading):
        asking.exchange.waited = asking.waited
    else:
        asking.exchange.retried = RETRIED.code


def _note_attempt(exchange: Exchange, candidate: Candidate, error: GatewayError) -> None:
    """Once, however often a backend was asked that was loading, or was left alone."""
    attempt = f"{candidate.backend}:{type(error).__name__}"
    if not isinstance(error, BackendLoading | BreakerOpen) or attempt not in exchange.attempts:
        exchange.attempts.append(attempt)
    if isinstance(error, BreakerOpen):
        exchange.note_guarded(LEFT_ALONE.code)
