"""The law of budgets: however many requests of a key run at once, in whatever order they begin, end, fail and are given up,
it spends no more than its budget and one request. And nobody waits for money that nobody holds.

Two faults that real gateways had are planted and found: to count what is spent only, and to wait between check and reserve.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hands import Hands, breath

from tidegate.core.errors import BudgetSpent
from tidegate.core.terms import Terms
from tidegate.resilience.allowance import OwnAllowances, Taken
from tidegate.resilience.budget import Account

ARRIVED = 1_795_500_000.0
Deed = Literal["begin", "settle", "cancel", "extend"]


class Step(NamedTuple):
    """`which` chooses among those that could do it; `most` is what it may cost, in hundredths, `cost` a part of that."""

    deed: Deed
    which: int
    most: int
    part: int

    @property
    def cost(self) -> Decimal:
        return Decimal(self.most * self.part) / 1000


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["begin", "begin", "begin", "settle", "settle", "cancel", "extend"]),
        st.integers(0, 50),
        st.integers(1, 60),
        st.integers(0, 10),
    ),
    max_size=60,
)
BUDGET = Decimal(1)


class Wallet:
    """One key, and all that it asks. Spent is what was charged, the way a provider would count it."""

    def __init__(self, allowances: OwnAllowances, terms: Terms) -> None:
        self.allowances = allowances
        self.terms = terms
        self.coming: dict[asyncio.Task[Taken], Step] = {}
        self.running: list[tuple[Taken, Decimal, Decimal]] = []
        """What each was let through for, its number, and what it will have cost."""
        self.spent = Decimal(0)
        self.dearest = Decimal(0)

    async def do(self, step: Step) -> None:
        match step.deed:
            case "begin":
                most = Decimal(step.most) / 100
                task = asyncio.get_running_loop().create_task(self.allowances.take(self.terms, ARRIVED, most))
                self.coming[task] = step
            case "settle" if self.running:
                taken, _, cost = self.running.pop(step.which % len(self.running))
                self._pay(taken, cost)
            case "extend" if self.running:
                at = step.which % len(self.running)
                taken, most, cost = self.running[at]
                if self.allowances.extend(taken.number, most):
                    self.running[at] = taken, most * 2, cost + most
            case "cancel" if self.coming:
                list(self.coming)[step.which % len(self.coming)].cancel()
            case _:
                pass
        await self.see()

    async def see(self) -> None:
        await breath(4)
        for task in [task for task in self.coming if task.done()]:
            step = self.coming.pop(task)
            if task.cancelled():
                continue
            if task.exception() is None:
                self.running.append((task.result(), Decimal(step.most) / 100, step.cost))
            else:
                assert isinstance(task.exception(), BudgetSpent)
                assert self.spent >= BUDGET, "it is refused only when it is really spent"

    def _pay(self, taken: Taken, cost: Decimal) -> None:
        self.allowances.give_back(taken.number, cost)
        if not taken.at_home:
            self.spent += cost
            self.dearest = max(self.dearest, cost)

    async def end(self) -> None:
        """All that runs ends, and with it all that waits."""
        while self.running:
            taken, _, cost = self.running.pop()
            self._pay(taken, cost)
            await self.see()
        assert not self.coming, "someone waits, and nobody holds anything"


async def live(allowances: OwnAllowances, steps: list[Step], **terms: Any) -> Wallet:
    budgets = {"budget_usd_per_day": BUDGET, "budget_usd_per_month": BUDGET * 2} | terms
    wallet = Wallet(allowances, Terms("key_1", **budgets))
    try:
        for step in steps:
            await wallet.do(step)
        await wallet.end()
    finally:
        for task in wallet.coming:
            task.cancel()
        await asyncio.gather(*wallet.coming, return_exceptions=True)
    return wallet


def own(kind: type[OwnAllowances] = OwnAllowances) -> OwnAllowances:
    hands = Hands()
    return kind(hands.time, timers=hands)


def check(wallet: Wallet) -> None:
    assert wallet.spent <= BUDGET + wallet.dearest
    (view,) = wallet.allowances.view() or [None]
    if view is not None:
        assert (view.under_way, view.waiting, set(view.reserved.values()) | {0}) == (0, 0, {0})
        assert set(view.spent.values()) <= {wallet.spent}


@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_no_order_of_events_spends_more_than_the_budget_and_one_request(steps: list[Step]) -> None:
    check(asyncio.run(live(own(), steps)))


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_with_what_is_spent_only_those_at_home_answer_and_nothing_more_is_spent(steps: list[Step]) -> None:
    check(asyncio.run(live(own(), steps, when_spent="local")))


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_a_month_binds_like_a_day(steps: list[Step]) -> None:
    check(asyncio.run(live(own(), steps, budget_usd_per_day=None, budget_usd_per_month=BUDGET)))


class CountsOnlyTheSpent(OwnAllowances):
    """Nothing is reserved: a thousand requests that begin at once all find the money there."""

    async def _reserve(self, key: Any, terms: Terms, accounts: tuple[Account, ...], most_usd: Decimal) -> bool:
        if any(one.is_spent for one in accounts):
            raise BudgetSpent("spent")
        for one in accounts:
            one.reserve(Decimal(0))
        return True

    def give_back(self, number: int, charged_usd: Decimal) -> None:
        self._held[number] = self._held[number]._replace(most_usd=Decimal(0))
        super().give_back(number, charged_usd)


class WaitsBeforeItReserves(OwnAllowances):
    """Between the check and the reservation others are let in, as with a store that is asked over a network."""

    async def _reserve(self, key: Any, terms: Terms, accounts: tuple[Account, ...], most_usd: Decimal) -> bool:
        fit = not any(one.is_spent for one in accounts) and all(one.fits(most_usd) for one in accounts)
        if not fit:
            return await super()._reserve(key, terms, accounts, most_usd)
        await asyncio.sleep(0)
        for one in accounts:
            one.reserve(most_usd)
        return True


AT_ONCE = [Step("begin", 0, 60, 10)] * 10


@pytest.mark.parametrize("fault", [CountsOnlyTheSpent, WaitsBeforeItReserves])
def test_an_allowance_that_checks_and_then_acts_is_caught(fault: type[OwnAllowances]) -> None:
    async def all_at_once(kind: type[OwnAllowances]) -> Wallet:
        wallet = Wallet(own(kind), Terms("key_1", budget_usd_per_day=BUDGET))
        for step in AT_ONCE:
            task = asyncio.get_running_loop().create_task(wallet.allowances.take(wallet.terms, ARRIVED, step.cost))
            wallet.coming[task] = step
        await wallet.see()
        await wallet.end()
        return wallet

    check(asyncio.run(all_at_once(OwnAllowances)))
    with pytest.raises(AssertionError, match="<="):
        check(asyncio.run(all_at_once(fault)))
