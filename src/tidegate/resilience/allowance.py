"""What a client's terms let through now: its rate, its concurrency and its budget. Reserved before, settled after."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from tidegate.core.exchange import Exchange


class Allowances(Protocol):
    """In one process, or shared by several."""

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        """Let the exchange through under its terms; `most_usd` is the most that it can cost. Sets `exchange.grant`.

        False: its budget is used up, and by its terms only backends at home may answer. Raises LimitReached, and
        BudgetSpent where the terms say so."""
        ...


class NoLimits:
    """Nobody's terms say anything."""

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        return True
