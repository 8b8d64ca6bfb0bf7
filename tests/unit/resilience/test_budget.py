"""The sums of a budget and the line before it; periods are days and months of UTC."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tidegate.core.errors import LimitReached
from tidegate.core.terms import Terms
from tidegate.resilience import budget
from tidegate.resilience.budget import Account, Line, Waiting, budgets_of, end_of, spent_error

ONE = Decimal(1)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def waiting(account: Account, most: str) -> Waiting:
    return Waiting(asyncio.get_running_loop().create_future(), (account,), Decimal(most))


def test_each_budget_has_the_period_of_the_arrival() -> None:
    both = Terms("k", budget_usd_per_day=ONE, budget_usd_per_month=ONE * 9)
    assert list(budgets_of(both, at("2026-11-30T23:59:59.9"))) == [
        ("day", "2026-11-30", ONE),
        ("month", "2026-11", ONE * 9),
    ]
    assert list(budgets_of(Terms("k", budget_usd_per_month=ONE), at("2026-12-01T00:00:00"))) == [
        ("month", "2026-12", ONE)
    ]
    assert list(budgets_of(Terms("k"), 0.0)) == []


@pytest.mark.parametrize(
    ("name", "period", "end"),
    [
        ("day", "2026-11-24", "2026-11-25"),
        ("day", "2026-12-31", "2027-01-01"),
        ("day", "2028-02-28", "2028-02-29"),
        ("month", "2026-11", "2026-12-01"),
        ("month", "2026-12", "2027-01-01"),
    ],
)
def test_a_period_ends_when_the_next_begins(name: budget.PeriodName, period: str, end: str) -> None:
    assert end_of(name, period) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_what_is_reserved_is_not_there_for_others() -> None:
    account = Account("day", "2026-11-24", budget=ONE)
    account.reserve(Decimal("0.7"))
    assert account.fits(Decimal("0.3")) and not account.fits(Decimal("0.31"))
    account.settle(Decimal("0.7"), Decimal("0.1"))
    assert account.fits(Decimal("0.9")) and not account.is_spent
    assert (account.spent, account.reserved, account.holders) == (Decimal("0.1"), 0, 0)


def test_one_that_is_alone_may_go_beyond_while_anything_is_left() -> None:
    account = Account("day", "2026-11-24", Decimal("0.99"), ONE)
    assert account.fits(Decimal(50)) and not account.is_spent
    account.reserve(Decimal(50))
    assert not account.fits(Decimal("0.000001"))
    account.settle(Decimal(50), Decimal("0.01"))
    assert account.is_spent


async def test_who_waits_goes_in_order_and_a_cheap_one_does_not_overtake() -> None:
    account, line = Account("day", "2026-11-24", budget=ONE), Line()
    account.reserve(Decimal("0.9"))
    dear, cheap = waiting(account, "0.8"), waiting(account, "0.05")
    line.join(dear)
    line.join(cheap)
    line.advance()
    assert not dear.turn.done() and not cheap.turn.done()
    account.settle(Decimal("0.9"), Decimal("0.1"))
    line.advance()
    assert dear.has_reserved and cheap.has_reserved
    assert account.reserved == Decimal("0.85")
    assert len(line) == 0


async def test_when_it_is_spent_all_that_wait_hear_it() -> None:
    account, line = Account("day", "2026-11-24", budget=ONE), Line()
    account.reserve(Decimal(1))
    ones = [waiting(account, "0.5") for _ in range(3)]
    for one in ones:
        line.join(one)
    account.settle(Decimal(1), Decimal(1))
    line.advance()
    assert [one.turn.result() for one in ones] == [account] * 3
    assert not any(one.has_reserved for one in ones)


async def test_who_gives_up_lets_the_next_one_go() -> None:
    account, line = Account("day", "2026-11-24", budget=ONE), Line()
    account.reserve(Decimal("0.5"))
    dear, cheap = waiting(account, "0.6"), waiting(account, "0.5")
    line.join(dear)
    line.join(cheap)
    dear.give_up(600)
    with pytest.raises(LimitReached, match="within 600 s; ask fewer at once"):
        dear.turn.result()
    assert not dear.has_reserved
    line.leave(dear)
    assert cheap.has_reserved
    line.leave(dear)
    cheap.give_up(600)
    assert cheap.has_reserved, "it has gone already"


async def test_the_line_is_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LONGEST_LINE", 1)
    account, line = Account("day", "2026-11-24", budget=ONE), Line()
    line.join(waiting(account, "1"))
    with pytest.raises(LimitReached, match="1 wait for it"):
        line.join(waiting(account, "1"))


def test_the_error_says_which_budget_until_when_and_what_to_do() -> None:
    error = spent_error(Account("month", "2026-12", budget=Decimal("2.50")))
    assert error.status == 402
    assert error.message == (
        "The budget of this key, 2.50 USD per month, is used up until 2027-01-01 00:00 UTC; wait, raise its "
        "`budget_usd_per_month`, or set its `when_spent` to local, so that backends at home answer"
    )
