"""What the key of a client may do: its models, its class, how often and how much at once, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tidegate.core.boundary import DataClass

Priority = Literal["high", "normal", "low"]
"""Who is served first of those that wait for the same backend."""
WhenSpent = Literal["refuse", "local"]


@dataclass(frozen=True, slots=True)
class Terms:
    """`models` are the names that it may ask for, () all; None is no limit. Budgets are in USD, by UTC days and months.

    `when_spent`: with its budget used up it is refused (402), or is answered by backends at home only."""

    key_id: str
    models: tuple[str, ...] = ()
    data_class: DataClass | None = None
    rate_per_minute: int | None = None
    concurrency: int | None = None
    budget_usd_per_day: Decimal | None = None
    budget_usd_per_month: Decimal | None = None
    when_spent: WhenSpent = "refuse"
    weight: float = 1.0
    priority: Priority = "normal"

    @property
    def has_budget(self) -> bool:
        return self.budget_usd_per_day is not None or self.budget_usd_per_month is not None

    @property
    def has_limits(self) -> bool:
        """Whether anything must be asked before a request may go."""
        return self.rate_per_minute is not None or self.concurrency is not None or self.has_budget
