"""What an answer of the hosted API cost, from dated price rows. Decimal throughout; unknown stays None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from tidegate.catalog.reader import rows
from tidegate.core.usage import Usage

_MILLION = Decimal(1_000_000)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per 1,000,000 tokens."""

    hit: Decimal
    miss: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class PriceRow:
    model: str
    valid_from: datetime
    off_peak: Rates
    peak: Rates
    peak_hours_utc: tuple[tuple[int, int], ...]

    def rates(self, at: datetime) -> Rates:
        at = at.astimezone(UTC)
        in_hours = any(begin <= at.hour < end for begin, end in self.peak_hours_utc)
        return self.peak if in_hours and at.weekday() < _SATURDAY else self.off_peak


def _rates(row: dict[str, Any]) -> Rates:
    return Rates(Decimal(row["hit"]), Decimal(row["miss"]), Decimal(row["output"]))


@cache
def price_rows() -> tuple[PriceRow, ...]:
    """All rows, newest first."""
    found = (
        PriceRow(
            row["model"],
            row["from"],
            _rates(row["off_peak"]),
            _rates(row["peak"]),
            tuple((begin, end) for begin, end in row["peak_hours_utc"]),
        )
        for row in rows("prices.toml", "prices")
    )
    return tuple(sorted(found, key=lambda row: row.valid_from, reverse=True))


def cost_usd(model: str, usage: Usage | None, at: datetime) -> Decimal | None:
    """The price of these tokens at that minute; None where no row applies or a count was not reported."""
    if usage is None or usage.cache_hit is None or usage.cache_miss is None or usage.output is None:
        return None
    for row in price_rows():
        if row.model == model and row.valid_from <= at:
            rates = row.rates(at)
            return (
                rates.hit * usage.cache_hit + rates.miss * usage.cache_miss + rates.output * usage.output
            ) / _MILLION
    return None
