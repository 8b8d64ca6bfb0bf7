"""What an answer of the hosted API cost, from dated price rows. Decimal throughout; unknown stays None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from tidegate.catalog.reader import rows
from tidegate.core.usage import Usage

_MILLION = Decimal(1_000_000)
_SATURDAY = 5


Currency = Literal["USD", "CNY"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Money per 1,000,000 tokens."""

    hit: Decimal
    miss: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One dated price. `cny` is the pair off-peak and peak of the Chinese price list, where it is known."""

    model: str
    valid_from: datetime
    off_peak: Rates
    peak: Rates
    peak_hours_utc: tuple[tuple[int, int], ...]
    weekend_peak: bool = False
    cny: tuple[Rates, Rates] | None = None

    def rates(self, at: datetime) -> Rates:
        return self.peak if self._is_peak(at) else self.off_peak

    def cost(self, usage: Usage, at: datetime, currency: Currency = "USD") -> Decimal | None:
        """The price of these tokens at that minute; None where a count or the currency's price is not known."""
        if usage.cache_hit is None or usage.cache_miss is None or usage.output is None:
            return None
        rates = self.rates(at)
        if currency == "CNY":
            if self.cny is None:
                return None
            rates = self.cny[self._is_peak(at)]
        return (rates.hit * usage.cache_hit + rates.miss * usage.cache_miss + rates.output * usage.output) / _MILLION

    def _is_peak(self, at: datetime) -> bool:
        at = at.astimezone(UTC)
        in_hours = any(begin <= at.hour < end for begin, end in self.peak_hours_utc)
        return in_hours and (self.weekend_peak or at.weekday() < _SATURDAY)


def _rates(row: dict[str, Any]) -> Rates:
    return Rates(Decimal(row["hit"]), Decimal(row["miss"]), Decimal(row["output"]))


def _row(row: dict[str, Any]) -> PriceRow:
    """A row without `peak` is of the time before peak hours."""
    off_peak = _rates(row["off_peak"])
    return PriceRow(
        row["model"],
        row["from"],
        off_peak,
        _rates(row["peak"]) if "peak" in row else off_peak,
        tuple((begin, end) for begin, end in row.get("peak_hours_utc", ())),
        row.get("weekend_peak", False),
        (_rates(row["off_peak_cny"]), _rates(row["peak_cny"])) if "off_peak_cny" in row else None,
    )


@cache
def price_rows() -> tuple[PriceRow, ...]:
    """All rows, newest first."""
    found = (_row(row) for row in rows("prices.toml", "prices"))
    return tuple(sorted(found, key=lambda row: row.valid_from, reverse=True))


def price_rows_within(model: str, first: datetime, until: datetime | None) -> list[PriceRow]:
    """The rows of a contract profile, newest first: from the one that it names up to the day when the next one's held."""
    return [
        row
        for row in price_rows()
        if row.model == model and first <= row.valid_from and (until is None or row.valid_from < until)
    ]


def cost_usd(model: str, usage: Usage | None, at: datetime) -> Decimal | None:
    """The price of these tokens at that minute; None where no row applies or a count was not reported."""
    if usage is None:
        return None
    for row in price_rows():
        if row.model == model and row.valid_from <= at:
            return row.cost(usage, at)
    return None
