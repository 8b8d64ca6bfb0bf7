"""What finished exchanges took, per model and backend: averages in memory, in which newer ones count more.

Fed once per exchange, after it; read by the order `balanced`. Nothing is kept where nothing is ordered by it. No content,
no clock: times come with the exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tidegate.core.errors import BackendFailure
from tidegate.core.exchange import Exchange
from tidegate.core.usage import Usage
from tidegate.routing.order import NO_FIGURE, Figure, Figures, Place, Price

NEWEST = 0.25
"""How much the newest counts: the last eight make nine tenths of an average."""
_MOST_PLACES = 1000
_MANY_TOKENS = 1_000_000
_PRICES_HOLD_S = 60.0

PriceOf = Callable[[str, Usage | None, datetime], Decimal | None]


def _failures(kind: type[BackendFailure]) -> set[str]:
    return {kind.__name__}.union(*map(_failures, kind.__subclasses__()))


_FAILURES = _failures(BackendFailure)


class FigureBook:
    """`price` is that of the books: what these tokens of this model cost at that time, None if nobody knows."""

    def __init__(self, price: PriceOf) -> None:
        self._price = price
        self._known: dict[Place, Figure] = {}
        self._prices: dict[str, Price | None] = {}
        self._priced_at = 0.0

    def figures(self, exchange: Exchange) -> Figures:
        """As they are for this exchange, now."""
        if not 0 <= exchange.arrived_at - self._priced_at < _PRICES_HOLD_S:
            self._priced_at = exchange.arrived_at
            self._prices.clear()
        return Figures(exchange.arrived_at, exchange.request_bytes, self._known, self._price_now)

    def note_asked(self, place: Place, at: float) -> None:
        """This one is asked first now. Counted before it has answered, so that not all of a crowd explore it."""
        figure = self._known.get(place, NO_FIGURE)
        if figure.is_stale(at):
            figure = replace(figure, tries=0, failed=False)
        self._set(place, replace(figure, tries=figure.tries + 1, asked_at=at))

    def note_ended(self, exchange: Exchange) -> None:
        """What it took, where one backend was asked once and answered; that it failed, where it did."""
        if exchange.decision is None:
            return
        for attempt in exchange.attempts:
            name, _, ended = attempt.partition(":")
            broke_off = ended == "ok" and exchange.error in _FAILURES
            if ended in _FAILURES or broke_off or (ended == "ok" and exchange.status == 200):
                for one in exchange.decision.candidates:
                    if one.backend == name:
                        place, failed = (one.backend, one.model), ended != "ok" or broke_off
                        self._set(place, replace(self._known.get(place, NO_FIGURE), failed=failed))
        if exchange.status == 200 and len(exchange.attempts) == 1:
            first = exchange.decision.candidates[0]
            self._measure((first.backend, first.model), exchange)

    def _measure(self, place: Place, exchange: Exchange) -> None:
        figure = self._known.get(place, NO_FIGURE)
        tokens = exchange.usage.output if exchange.usage else None
        changes: dict[str, Any] = {
            "first_frame_s": _mixed(figure.first_frame_s, exchange.first_frame_s),
            "duration_s": _mixed(figure.duration_s, exchange.duration_s),
            "output_tokens": _mixed(figure.output_tokens, tokens),
        }
        self._set(place, replace(figure, **changes))

    def _set(self, place: Place, figure: Figure) -> None:
        if place not in self._known and len(self._known) >= _MOST_PLACES:
            self._known.pop(next(iter(self._known)))
        self._known[place] = figure

    def _price_now(self, model: str) -> Price | None:
        if model not in self._prices:
            at = datetime.fromtimestamp(self._priced_at, UTC)
            prompt = self._price(model, Usage(prompt=_MANY_TOKENS, cache_hit=0, output=0), at)
            output = self._price(model, Usage(prompt=0, cache_hit=0, output=_MANY_TOKENS), at)
            if prompt is None or output is None:
                self._prices[model] = None
            else:
                self._prices[model] = Price(float(prompt) / _MANY_TOKENS, float(output) / _MANY_TOKENS)
        return self._prices[model]


def _mixed(before: float | None, newest: float | None) -> float | None:
    if newest is None:
        return before
    return float(newest) if before is None else before + NEWEST * (newest - before)
