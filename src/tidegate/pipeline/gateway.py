"""The journey of one request, top to bottom: decide, ask the candidates in order, observe the events, book always.

Knows no wire format and no socket. Candidates come out of the decision and from nowhere else, so whatever fails and
whatever is tried next, class and boundary bind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from tidegate.backends.base import Answering, Backend
from tidegate.core.boundary import Boundary
from tidegate.core.decision import Candidate, Decision, Snapshot
from tidegate.core.errors import (
    BrokenContract,
    ClientLeft,
    GatewayError,
)
from tidegate.core.events import NOTHING, Frame, Milestones
from tidegate.core.exchange import Exchange, Send
from tidegate.core.requests import ChatRequest, Request
from tidegate.core.usage import Usage
from tidegate.dialects.base import PUT_BACK
from tidegate.ledger.entries import Entry, entry_of
from tidegate.pipeline.capture import NO_CAPTURE, Capture
from tidegate.pipeline.charging import Bill, bounds_of, charge
from tidegate.pipeline.continuing import Unbroken
from tidegate.pipeline.each import answer_each
from tidegate.pipeline.figures import FigureBook
from tidegate.pipeline.hearing import Hearing
from tidegate.pipeline.holding import first_words, whole
from tidegate.pipeline.replay import NO_MEMORY, ReasoningMemory
from tidegate.pipeline.screening import Decided, Screening
from tidegate.pipeline.shadow import NO_SHADOW, Shadow
from tidegate.pipeline.shadow import SURFACE as SHADOW_SURFACE
from tidegate.pipeline.unveiled import Unveiled
from tidegate.privacy.masking.mask import Veil
from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.guard import Asking, Guard, Held
from tidegate.routing.decide import decide
from tidegate.routing.explain import refusal_error
from tidegate.routing.needs import needs_of, says_thinking
from tidegate.routing.order import NO_FIGURES, leans_hosted, order_of, ordered
from tidegate.routing.policy import Ask, Policy
from tidegate.routing.rules import FELL_BACK, WAITED

_MOST_DECISIONS = 1000

R = TypeVar("R", bound=Request)
Price = Callable[[str, Usage | None, datetime], Decimal | None]


class Backends(Protocol):
    """Where the gateway finds backends (the registry)."""

    def snapshot(self) -> Snapshot: ...

    def find(self, name: str) -> Backend | None: ...


class Gateway:
    """`wall_clock` gives unix seconds, `timer` monotonic seconds, `new_id` 32 hex digits that never repeat."""

    def __init__(  # noqa: PLR0913  each is a part that it is made of, and all but three are named
        self,
        backends: Backends,
        policy: Policy,
        record: Callable[[Entry], None],
        *,
        price: Price,
        wall_clock: Callable[[], float],
        timer: Callable[[], float],
        new_id: Callable[[], str],
        screening: Screening,
        memory: ReasoningMemory = NO_MEMORY,
        capture: Capture = NO_CAPTURE,
        guard: Guard | None = None,
        shadow: Shadow = NO_SHADOW,
        on_ended: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.backends = backends
        self.policy = policy
        self._record = record
        self._price = price
        self._wall_clock = wall_clock
        self._timer = timer
        self._new_id = new_id
        self._screening = screening
        self._memory = memory
        self._capture = capture
        self.guard = guard or Guard(backends, breakers=OwnBreakers(timer))
        self.shadow = shadow
        self._on_ended = on_ended
        self._figures = FigureBook(price) if policy.balances else None
        self.legacy_seen = dict.fromkeys(policy.contract.legacy_names, 0)
        """How often each retired model name was asked for since the start."""
        self._snapshot: Snapshot | None = None
        self._decisions: dict[Ask, Decision] = {}

    def count_on(self, before: Gateway) -> None:
        """What was counted and measured under the configuration before goes on."""
        if self._figures is not None and before._figures is not None:
            self._figures = before._figures
        self.legacy_seen.update((name, seen) for name, seen in before.legacy_seen.items() if name in self.legacy_seen)

    @contextmanager
    def exchange(self, surface: str) -> Generator[Exchange]:
        """Open an exchange; however the block is left, it is booked, exactly once."""
        exchange = Exchange("ex_" + self._new_id(), surface, self._wall_clock())
        began = self._timer()
        exchange.elapsed_s = lambda: self._timer() - began
        try:
            yield exchange
        except GatewayError as error:
            exchange.fail(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            exchange.fail(ClientLeft("the client left"))
            raise
        except Exception as error:
            exchange.status, exchange.error = 500, type(error).__name__
            raise
        finally:
            exchange.duration_s = exchange.elapsed_s()
            if self._figures is not None:
                self._figures.note_ended(exchange)
            self._settle(exchange)
            if exchange.grant is not None:
                exchange.grant.settle(exchange)
            self._record(entry_of(exchange))
            if self._on_ended is not None:
                self._on_ended(exchange)

    async def decide(self, exchange: Exchange, ask: Ask, request: R, conversation: str | None = None) -> Decided[R]:
        """Choose who may answer, or raise why nobody may. Gives the request back as it was meant, to be checked.

        `conversation` is what the client calls it, if it does."""
        needs, says = needs_of(request), says_thinking(request)
        if needs or says:
            ask = replace(ask, needs=needs, says_thinking=says)
        looked_at = await self._look(exchange, ask, request, conversation)
        screened = looked_at.screened
        decision = self._in_order(looked_at.decision, ask.model, exchange, request)
        exchange.decision, exchange.data_class = decision, decision.data_class
        await self._screening.note(exchange, request, decision, conversation)
        if ask.model in self.legacy_seen:
            self.legacy_seen[ask.model] += 1
        if not decision.candidates:
            raise refusal_error(decision, self.backends.snapshot(), self.policy)
        return Decided(_as_meant(request, decision, exchange), decision, screened)

    async def _look(self, exchange: Exchange, ask: Ask, request: R, conversation: str | None) -> Decided[R]:
        screened = await self._screening.screen(exchange, ask, request, conversation)
        decision = self._decide(screened.ask)
        if self._screening.looks_closer(decision, self.backends.snapshot()):
            screened = await self._screening.screen_closer(exchange, request, screened)
            decision = self._decide(screened.ask)
        return Decided(request, decision, screened)

    def knows(self, model: str) -> bool:
        """Whether this name leads somewhere by itself: served, an alias, reserved or an address."""
        return self._decide(Ask(model)).refusal != "unknown_model"

    def answer(self, exchange: Exchange, decided: Decided[Any]) -> AsyncGenerator[list[Frame]]:
        """The frames of the answer, in batches as they arrive, once `decide` has chosen. Close it when you stop early."""
        if decided.decision.each:
            return self._answer_each(exchange, decided)
        if exchange.terms is not None and exchange.terms.has_budget:
            bill = self._bill(exchange, decided.request)
            return bill.heard(self._answer(exchange, decided, bill))
        return self._answer(exchange, decided)

    async def _answer_each(self, exchange: Exchange, decided: Decided[Any]) -> AsyncGenerator[list[Frame]]:
        """The one answer that the client got is what comes back in a later turn, so that is remembered as well."""
        keep = self._screening.keeper(decided.request, decided.decision)
        on_cut = self._screening.cut_keeper(decided.request, decided.decision)
        hearing = None if keep is None else Hearing([keep], on_cut=on_cut)
        ahead = self._screening.ahead(exchange, decided.request, decided.decision)
        given: list[Frame] = []
        ended = False
        try:
            async with aclosing(answer_each(self, exchange, decided)) as batches:
                async for frames in batches:
                    if ahead is not None:
                        await ahead.take(frames)
                    given = frames
                    yield frames
                    if hearing is not None:
                        hearing.hear(frames)
                    given = []
            ended = True
        finally:
            if hearing is not None and not ended:
                hearing.cut(exchange, given)
        if hearing is not None:
            hearing.end(exchange)

    async def _answer(
        self, exchange: Exchange, decided: Decided[Any], bill: Bill | None = None
    ) -> AsyncGenerator[list[Frame]]:
        held: Held | Unbroken = await self._begin(exchange, decided, bill=bill)
        if decided.decision.continues and decided.request.stream and exchange.surface != SHADOW_SURFACE:
            held = Unbroken(held, exchange, decided, self._look, partial(self._begin, bill=bill, again=True))
        frames, failure = held.frames, None
        exchange.note_quirks(held.answering.quirks)
        hearing = self._hearing(exchange, decided)
        ahead = self._screening.ahead(exchange, decided.request, decided.decision)
        given: list[Frame] = []
        ended = False
        try:
            while frames:
                for frame in frames:
                    if frame.passed is not NOTHING:
                        _observe(exchange, frame.passed)
                if ahead is not None:
                    await ahead.take(frames)
                given = frames
                yield frames
                if hearing is not None:
                    hearing.hear(frames)
                given = []
                frames = await held.read()
            ended = True
        except GatewayError as error:
            failure = error
            raise
        finally:
            exchange.note_quirks(held.answering.quirks)
            held.close(failure, ended=ended)
            if hearing is not None and not ended:
                hearing.cut(exchange, given)
        if exchange.finish is None:
            raise BrokenContract("the backend's answer has no finish_reason")
        exchange.status = 200
        if hearing is not None:
            hearing.end(exchange)

    async def _begin(
        self, exchange: Exchange, decided: Decided[Any], *, bill: Bill | None = None, again: bool = False
    ) -> Held:
        ask, candidates = partial(self._ask, exchange, decided), decided.decision.candidates
        asking = Asking(exchange, candidates, ask, fell_back=FELL_BACK.code, waited=WAITED.code, again=again)
        return await self.guard.begin(asking if bill is None else bill.counted(asking))

    def _hearing(self, exchange: Exchange, decided: Decided[Any]) -> Hearing | None:
        """Someone to hear the answer, where anybody wants to keep of it."""
        request = decided.request
        keepers = [self._screening.keeper(request, decided.decision)]
        if exchange.surface != SHADOW_SURFACE:
            # A shadow's answer is nobody's turn: it must not be remembered in the place of what the client got.
            keepers += [
                self._memory.keeper(request),
                self._capture.keeper(exchange, request),
                self.shadow.keeper(self, exchange, decided),
            ]
        wanted = [keep for keep in keepers if keep is not None]
        return Hearing(wanted, on_cut=self._screening.cut_keeper(request, decided.decision)) if wanted else None

    def _in_order(self, decision: Decision, model: str, exchange: Exchange, request: Request) -> Decision:
        """After the decision and not kept with it: figures change with every answer."""
        order = order_of(decision.rewritten.model if decision.rewritten else model, self.policy)
        if order == "configured" or not decision.candidates:
            return decision
        snapshot, figures = self.backends.snapshot(), NO_FIGURES
        if order == "balanced" and self._figures is not None:
            figures = self._figures.figures(exchange)
        hosted = order == "by-needs" and leans_hosted(request, exchange.request_bytes, decision.needs)
        decision = ordered(decision, order, snapshot, hosted=hosted, figures=figures)
        if self._figures is not None:
            first = decision.candidates[0]
            self._figures.note_asked((first.backend, first.model), exchange.arrived_at)
        return decision

    def _decide(self, ask: Ask) -> Decision:
        """A decision is a pure function of ask, snapshot and policy, so it is kept while the snapshot holds."""
        snapshot = self.backends.snapshot()
        if snapshot is not self._snapshot or len(self._decisions) > _MOST_DECISIONS:
            self._snapshot = snapshot
            self._decisions.clear()
        decision = self._decisions.get(ask)
        if decision is None:
            decision = decide(ask, snapshot, self.policy)
            if decision.candidates:  # names that lead nowhere are endless; they are not kept
                self._decisions[ask] = decision
        return decision

    async def _ask(
        self, exchange: Exchange, decided: Decided[Any], backend: Backend, candidate: Candidate
    ) -> tuple[Answering, list[Frame]]:
        """One candidate asked: told what it may be told, and heard until it says something."""
        view = backend.view
        exchange.backend, exchange.model, exchange.boundary = candidate.backend, candidate.model, view.boundary
        exchange.quirks.clear()
        request, decision = decided.request, decided.decision
        told, remembered = self._memory.put_back(exchange.client, request, view, masked=candidate.masked)
        veil: Veil | None = None
        if candidate.masked:
            covered = await self._screening.mask(exchange, told, request, decided.screened)
            told, veil, remembered = covered.request, covered.veil, remembered if covered.put_back else None
        sent_class = decision.masked_class if candidate.masked else decision.data_class
        if remembered is not None:
            sent_class = sent_class.raised_to(remembered)
            exchange.note_quirks((PUT_BACK.code,))
        exchange.sent_class = sent_class
        exchange.sends.append(Send(candidate.backend, view.boundary, sent_class, candidate.masked))
        answering = await backend.open(told, candidate.model, sent_class, None if veil is None else veil.holds)
        if veil is not None:
            answering = Unveiled(answering, veil)
        try:
            frames = await (first_words(answering) if request.stream else whole(answering))
        except BaseException:
            answering.close()
            raise
        exchange.attempts.append(f"{candidate.backend}:ok")
        exchange.data_class = decision.data_class.raised_to(sent_class)
        if exchange.first_frame_s is None:
            exchange.first_frame_s = exchange.elapsed_s()
        return answering, frames

    def _bill(self, exchange: Exchange, request: Request) -> Bill:
        found, put_back = sum(exchange.found.values()), self._memory.most_put_back_bytes(request)
        bounds = bounds_of(request, exchange.request_bytes, self.policy.contract, found=found, put_back=put_back)
        return Bill(exchange, request, bounds, self._price, self.backends.find)

    def _settle(self, exchange: Exchange) -> None:
        if exchange.boundary is Boundary.EXTERNAL and exchange.model is not None:
            at = datetime.fromtimestamp(exchange.arrived_at, UTC)
            exchange.cost_usd = self._price(exchange.model, exchange.usage, at)
        charge(exchange)
        if exchange.partly_unpriced:
            exchange.cost_usd = None  # that of a part is not the cost


def _as_meant(request: R, decision: Decision, exchange: Exchange) -> R:
    """For the model that is asked first; a retired name meant a thinking switch too, unless the client says of thinking."""
    changes: dict[str, Any] = {"model": decision.candidates[0].model}
    if (meant := decision.rewritten) is not None:
        exchange.rewritten = f"{meant.asked} -> {meant.model}"
        if meant.thinking and isinstance(request, ChatRequest) and request.thinking is None and request.effort is None:
            changes["thinking"] = meant.thinking
            exchange.rewritten += f", thinking {meant.thinking}"
    return replace(request, **changes)


def _observe(exchange: Exchange, passed: Milestones) -> None:
    if passed.start and passed.start.model and exchange.boundary is Boundary.EXTERNAL:
        exchange.model = passed.start.model  # the hosted API may remap a name; what answered is what is billed
    if passed.finish:
        exchange.finish = passed.finish.reason
    if passed.usage:
        exchange.usage = passed.usage.usage
