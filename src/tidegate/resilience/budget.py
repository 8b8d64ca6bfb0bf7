"""The sums of a budget: what is spent and reserved in one period, and the line of those that wait for money to come free.

Knows no backend and no clock: the time of arrival says which day and month a request is of.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from tidegate.core.errors import BudgetSpent, LimitReached
from tidegate.core.terms import Terms

NOTHING = Decimal(0)
LONGEST_LINE = 10_000
PeriodName = Literal["day", "month"]
_FIRST_LATER_S = 5.0


class Account:
    """One budget in one period. `holders` is how many requests hold a reservation."""

    __slots__ = ("budget", "holders", "name", "period", "reserved", "spent", "told")

    def __init__(self, name: PeriodName, period: str, spent: Decimal = NOTHING, budget: Decimal = NOTHING) -> None:
        self.name: PeriodName = name
        self.period = period
        self.spent = spent
        self.budget = budget
        self.reserved = NOTHING
        self.holders = 0
        self.told = False

    @property
    def is_spent(self) -> bool:
        return self.spent >= self.budget

    def fits(self, most_usd: Decimal) -> bool:
        """Whether a request that can cost so much may go now. One that is alone may, while anything is left."""
        return not self.holders or self.spent + self.reserved + most_usd <= self.budget

    def reserve(self, most_usd: Decimal) -> None:
        self.reserved += most_usd
        self.holders += 1

    def settle(self, most_usd: Decimal, charged_usd: Decimal) -> None:
        self.reserved -= most_usd
        self.holders -= 1
        self.spent += charged_usd


class Waiting:
    """One request in the line. Its turn is None once the money is reserved, or the account that is spent."""

    __slots__ = ("_accounts", "_most_usd", "turn")

    def __init__(self, turn: asyncio.Future[Account | None], accounts: tuple[Account, ...], most_usd: Decimal) -> None:
        self.turn = turn
        self._accounts = accounts
        self._most_usd = most_usd

    @property
    def has_reserved(self) -> bool:
        return (
            self.turn.done()
            and not self.turn.cancelled()
            and self.turn.exception() is None
            and self.turn.result() is None
        )

    def may_go(self) -> bool:
        """Reserve and go, or hear that an account is spent; False: it waits on."""
        spent = next((one for one in self._accounts if one.is_spent), None)
        if spent is None:
            if not all(one.fits(self._most_usd) for one in self._accounts):
                return False
            for one in self._accounts:
                one.reserve(self._most_usd)
        self.turn.set_result(spent)
        return True

    def give_up(self, after_s: float) -> None:
        if not self.turn.done():
            self.turn.set_exception(_all_reserved(f"and none of it came free within {after_s:g} s"))


class Line:
    """First come, first served: a cheap request that overtook would let a dear one wait for ever."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, waiting: Waiting) -> None:
        if len(self._waiting) >= LONGEST_LINE:
            raise _all_reserved(f"and {LONGEST_LINE} wait for it")
        self._waiting.append(waiting)

    def leave(self, waiting: Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            self.advance()

    def advance(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            if not first.turn.done() and not first.may_go():
                return
            self._waiting.popleft()


def budgets_of(terms: Terms, at: float) -> Iterator[tuple[PeriodName, str, Decimal]]:
    """Each budget, the name of its period at this time (unix seconds, UTC), and how much it is."""
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    if terms.budget_usd_per_day is not None:
        yield "day", day, terms.budget_usd_per_day
    if terms.budget_usd_per_month is not None:
        yield "month", day[:7], terms.budget_usd_per_month


def end_of(name: PeriodName, period: str) -> datetime:
    """The moment from which the next budget holds."""
    if name == "day":
        return datetime.fromisoformat(period).replace(tzinfo=UTC) + timedelta(days=1)
    year, month = map(int, period.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def spent_error(account: Account) -> BudgetSpent:
    option = f"budget_usd_per_{account.name}"
    return BudgetSpent(
        f"The budget of this key, {account.budget:f} USD per {account.name}, is used up until "
        f"{end_of(account.name, account.period):%Y-%m-%d %H:%M} UTC; wait, raise its `{option}`, or set its `when_spent` to "
        "local, so that backends at home answer"
    )


def _all_reserved(how: str) -> LimitReached:
    return LimitReached(
        f"All that is left of this key's budget is reserved for its requests under way, {how}; ask fewer at once, or with "
        "a smaller `max_tokens`",
        retry_after_s=_FIRST_LATER_S,
    )
