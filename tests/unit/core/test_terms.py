"""What terms say of themselves: whether anything must be asked before a request may go."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tidegate.core.boundary import DataClass
from tidegate.core.terms import Terms


@pytest.mark.parametrize(
    ("given", "limits", "budget"),
    [
        ({}, False, False),
        ({"models": ("auto",), "data_class": DataClass.PRIVATE, "weight": 2.0, "priority": "high"}, False, False),
        ({"rate_per_minute": 1}, True, False),
        ({"concurrency": 1}, True, False),
        ({"budget_usd_per_day": Decimal(1)}, True, True),
        ({"budget_usd_per_month": Decimal(1)}, True, True),
    ],
)
def test_limits_and_budgets_are_told_apart(given: dict[str, Any], limits: bool, budget: bool) -> None:
    terms = Terms("key_1", **given)
    assert (terms.has_limits, terms.has_budget) == (limits, budget)
