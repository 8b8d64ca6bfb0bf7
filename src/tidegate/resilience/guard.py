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
from tidegate.core.errors import BackendLoading, BackendUnreachable, BudgetSpent, ClientLeft, GatewayError
from tidegate.core.events import Frame
from tidegate.core.exchange import Exchange
from tidegate.resilience.allowance import Allowances, NoLimits
from tidegate.resilience.breaker import Breakers
from tidegate.resilience.lane import NO_TERMS, Turn
from tidegate.resilience.lanes import Lanes, OwnLanes, Place
from tidegate.resilience.retry import RETRY, RetryPolicy, Tries
from tidegate.resilience.rules import RETRIED

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


class Held:
    """An answer on its way, and the place that it holds. `frames` are the first ones; `close` it, whatever happens."""

    __slots__ = ("_breakers", "_candidate", "_place", "answering", "frames", "read")

    def __init__(
        self, answering: Answering, frames: list[Frame], place: Place, breakers: Breakers, candidate: Candidate
    ) -> None:
        self.answering = answering
        self.frames = frames
        self.read = answering.read
        self._place = place
        self._breakers = breakers
        self._candidate = candidate

    def close(self, error: GatewayError | None = None) -> None:
        """`error` is what broke the answer off, if anything of the backend did."""
        self.answering.close()
        self._place.leave(error)
        if error is not None:
            self._breakers.note(self._candidate.backend, self._candidate.model, error)


class Guard:
    def __init__(
        self,
        backends: Backends,
        *,
        allowances: Allowances = NoLimits(),  # noqa: B008 - it holds nothing
        lanes: Lanes | None = None,
        breakers: Breakers,
        retry: RetryPolicy = RETRY,
    ) -> None:
        self._backends = backends
        self._allowances = allowances
        self.lanes = lanes or OwnLanes()
        self.breakers = breakers
        self._retry = retry

    async def begin(self, asking: Asking) -> Held:
        """The first candidate that begins to answer. No frame went to the client yet. Settled with the exchange."""
        candidates = await self._within_terms(asking)
        tries = Tries(self._retry, candidates)
        while True:
            candidate = tries.take()
            if candidate is None:
                candidate = await tries.after_pause()
                _note_again(asking, tries)
            elif tries.failure is not None:
                asking.exchange.fell_back = asking.fell_back
            try:
                return await self._try(asking, candidate, sole=tries.sole)
            except GatewayError as error:
                _note_attempt(asking.exchange, candidate, error)
                tries.failed(candidate, error)

    async def _within_terms(self, asking: Asking) -> Sequence[Candidate]:
        """Budget, rate and concurrency of the client's key; with the budget used up perhaps those at home only."""
        if asking.exchange.terms is None or await self._allowances.admit(asking.exchange, asking.most_usd()):
            return asking.candidates
        at_home = [one for one in asking.candidates if self._is_at_home(one)]
        if not at_home:
            raise BudgetSpent("the budget of this key is used up, and no backend at home may answer this request")
        return at_home

    def _is_at_home(self, candidate: Candidate) -> bool:
        backend = self._backends.find(candidate.backend)
        return backend is not None and backend.view.boundary is not Boundary.EXTERNAL

    async def _try(self, asking: Asking, candidate: Candidate, *, sole: bool) -> Held:
        name, model = candidate.backend, candidate.model
        backend = self._backends.find(name)
        if backend is None:
            raise BackendUnreachable(f"backend {name!r} has just gone; try again")
        terms = asking.exchange.terms
        turn = NO_TERMS if terms is None else Turn(terms.key_id, terms.weight, terms.priority)
        place = await self.lanes.enter(backend.room, model, turn, asking.exchange)
        try:
            self.breakers.admit(name, model, sole=sole)
            answering, frames = await asking.ask(backend, candidate)
        except BaseException as error:
            failure = error if isinstance(error, GatewayError) else ClientLeft("the client left")
            place.leave(failure)
            self.breakers.note(name, model, failure)
            raise
        self.breakers.note(name, model, None)
        return Held(answering, frames, place, self.breakers, candidate)


def _note_again(asking: Asking, tries: Tries) -> None:
    if isinstance(tries.failure, BackendLoading):
        asking.exchange.waited = asking.waited
    else:
        asking.exchange.retried = RETRIED.code


def _note_attempt(exchange: Exchange, candidate: Candidate, error: GatewayError) -> None:
    """Once, however often a loading backend was asked."""
    attempt = f"{candidate.backend}:{type(error).__name__}"
    if not isinstance(error, BackendLoading) or attempt not in exchange.attempts:
        exchange.attempts.append(attempt)
