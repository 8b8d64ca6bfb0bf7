"""An answer that is gone on with when it breaks off, where the route says so: another candidate gets the text so far.

To the gateway it is one answer on its way. What goes out again is looked at, classed and masked anew, with the answer so
far in it; only candidates of the first decision are asked, and the walls behind them are the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from tidegate.backends.base import Answering
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Candidate, Decision
from tidegate.core.errors import GatewayError, NotSupported
from tidegate.core.events import Event, Frame, Resumed, Start, milestones
from tidegate.core.exchange import Exchange
from tidegate.core.requests import Request
from tidegate.core.rulebook import Rule
from tidegate.pipeline.screening import Decided
from tidegate.resilience.guard import Held
from tidegate.resilience.midstream import Said, continuation, obstacle
from tidegate.resilience.rules import CONTINUED, NOBODY, TOO_OFTEN
from tidegate.routing.policy import Ask

MOST_TIMES = 3

Again = Callable[[Exchange, Ask, Request, str | None], Awaitable[Decided[Any]]]
"""Look at a request and decide on it, as for one that has just come; the decision may have no candidates."""
Begin = Callable[[Exchange, Decided[Any]], Awaitable[Held]]
"""Ask the candidates of the decision; returns once one has begun to answer."""


class Unbroken:
    """Stands for `Held`. Made once an answer has begun."""

    def __init__(self, held: Held, exchange: Exchange, decided: Decided[Any], again: Again, begin: Begin) -> None:
        self._held = held
        self._exchange = exchange
        self._decided = decided
        self._again = again
        self._begin = begin
        self._said = Said()
        self._times = 0
        self._closed = False
        self._asked = _place(exchange)
        self._broke: dict[tuple[str, str], bool] = {}
        """Candidates that broke it off, in their order, and whether that may pass."""
        self._masked = exchange.sends[-1].masked
        """Whether all of it was said to the masked request."""
        self.frames = held.frames
        self._said.hear(held.frames)

    @property
    def answering(self) -> Answering:
        return self._held.answering

    async def read(self) -> list[Frame]:
        """What came before was given out by now, so it is what is gone on from."""
        try:
            frames = await self._held.read()
            if self._times:
                frames = _rest(frames)
        except GatewayError as error:
            if error.fault != "backend":
                raise
            frames = await self._go_on(error)
        self._said.hear(frames)
        return frames

    def close(self, error: GatewayError | None = None, *, ended: bool = False) -> None:
        if not self._closed:
            self._closed = True
            self._held.close(error, ended=ended)

    async def _go_on(self, error: GatewayError) -> list[Frame]:
        exchange, said = self._exchange, self._said
        rule = TOO_OFTEN if self._times >= MOST_TIMES else obstacle(self._decided.request, said)
        if rule is not None:
            raise self._given_up(error, rule)
        exchange.note_quirks(self._held.answering.quirks)
        quirks = list(exchange.quirks)
        self.close(error)  # its place is free for whoever goes on
        self._broke[self._asked] = error.retry == "same"
        exchange.attempts[-1] = f"{self._asked[0]}:{type(error).__name__}"
        exchange.since_s = exchange.elapsed_s()
        before = exchange.backend, exchange.model, exchange.boundary, exchange.sent_class
        try:
            held = await self._ask_for_the_rest()
        except GatewayError as failure:
            if failure.fault == "gateway":
                raise
            exchange.backend, exchange.model, exchange.boundary, exchange.sent_class = before
            raise self._given_up(error, NOBODY) from failure
        finally:
            exchange.quirks[:] = dict.fromkeys((*quirks, *exchange.quirks))
        self._held, self._closed = held, False
        self._times += 1
        self._asked = _place(exchange)
        self._masked = self._masked and exchange.sends[-1].masked
        exchange.continued = CONTINUED.code
        exchange.partly_unpriced = exchange.partly_unpriced or before[2] is Boundary.EXTERNAL
        note = f"continued by {self._asked[0]}, {CONTINUED.code}"
        return [Resumed(said.events, said.last, note), *_rest(held.frames)]

    async def _ask_for_the_rest(self) -> Held:
        exchange, first = self._exchange, self._decided
        request = continuation(first.request, self._said)
        ask = with_fields(first.screened.ask, needs=first.decision.needs | {"prefix"})
        if (raised := self._raised()) is not None:
            ask = with_fields(ask, wished_class=raised.raised_to(ask.wished_class or raised))
        seen = exchange.found, exchange.rows, exchange.action
        try:
            decided = await self._again(exchange, ask, request, first.screened.name)
        finally:
            exchange.found, exchange.rows, exchange.action = seen  # the ledger speaks of what the client sent
        candidates = self._allowed(decided.decision)
        if not candidates:
            raise NotSupported("no candidate of the decision may go on")
        decision = replace(
            decided.decision,
            candidates=candidates,
            data_class=decided.decision.data_class.raised_to(first.decision.data_class),
            left_class=decided.decision.masked_class.raised_to(first.decision.masked_class),
        )
        return await self._begin(exchange, replace(decided, decision=decision))

    def _raised(self) -> DataClass | None:
        """The class of what the text so far was made from, where that was more than the request: it may speak of it."""
        exchange, decision = self._exchange, self._decided.decision
        masked = bool(exchange.sends) and exchange.sends[-1].masked
        known = decision.masked_class if masked else decision.data_class
        sent = exchange.sent_class
        return sent if sent is not None and sent.rank > known.rank else None

    def _allowed(self, decision: Decision) -> tuple[Candidate, ...]:
        """Those of the first decision that may go on, in its order; last those that broke off, if that may pass.

        What was said to the request as it is does not go out masked: a value that the break cut in two is not found."""
        now = {(one.backend, one.model): one for one in decision.candidates}
        found: dict[tuple[str, str], Candidate] = {}
        for one in self._decided.decision.candidates:
            again = now.get(place := (one.backend, one.model))
            if again is not None and (self._masked if again.masked else not one.masked):
                found[place] = again
        fresh = [one for place, one in found.items() if place not in self._broke]
        return (*fresh, *(found[place] for place, passes in self._broke.items() if passes and place in found))

    def _given_up(self, error: GatewayError, rule: Rule) -> GatewayError:
        """The failure that broke it off, as the client hears it."""
        self._exchange.not_continued = rule.code
        message = f"{error.message}; it was not continued, see {rule.code}"
        return type(error)(message, retry_after_s=error.retry_after_s)


def _place(exchange: Exchange) -> tuple[str, str]:
    """The candidate that has just been asked, before its answer says which model it is."""
    return exchange.backend or "", exchange.model or ""


def _rest(frames: list[Frame]) -> list[Frame]:
    """Frames of a further answer as frames of the first: it has begun already, and its bytes are of another."""
    return [_followed(frame) for frame in frames]


def _followed(frame: Frame) -> Frame:
    events = frame.events
    said: tuple[Event, ...] = tuple(event for event in events if not isinstance(event, Start))
    return Frame(None, lambda: said, milestones(events))
