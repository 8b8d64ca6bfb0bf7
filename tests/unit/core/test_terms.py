"""Terms without limits ask nothing of anybody."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tidegate.core.terms import Terms


def test_a_key_of_which_nothing_is_said_has_no_limits() -> None:
    assert (Terms("k").has_limits, Terms("k").has_budget) == (False, False)


@pytest.mark.parametrize("limit", ["rate_per_minute", "concurrency"])
def test_a_rate_and_a_concurrency_are_limits_and_no_budget(limit: str) -> None:
    terms = Terms("k", **{limit: 1})
    assert (terms.has_limits, terms.has_budget) == (True, False)


@pytest.mark.parametrize("budget", ["budget_usd_per_day", "budget_usd_per_month"])
def test_a_budget_is_a_limit(budget: str) -> None:
    terms = Terms("k", **{budget: Decimal(1)})
    assert (terms.has_limits, terms.has_budget) == (True, True)
