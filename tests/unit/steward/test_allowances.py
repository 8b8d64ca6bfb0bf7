"""Budgets over several workers: reserved and settled as in one, and what a dead worker had reserved is counted in full."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from tests.support.hands import Hands, breath
from tests.support.links import worker_of

from tidegate.core.errors import BudgetSpent, LimitReached
from tidegate.core.exchange import Exchange
from tidegate.core.terms import Terms
from tidegate.resilience.allowance import OwnAllowances
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.allowances import SharedAllowances
from tidegate.steward.link import Link
from tidegate.steward.steward import Steward

DOLLAR = Terms("k", budget_usd_per_day=Decimal(1))
CENTS_60 = Decimal("0.6")


class House:
    def __init__(self, workers: int = 2) -> None:
        hands = Hands()
        self.own = OwnAllowances(hands.time, timers=hands)
        steward = Steward(OwnLanes(), self.own, timers=hands)
        self.links: list[Link] = [worker_of(steward.new_link) for _ in range(workers)]
        self.workers = [SharedAllowances(link) for link in self.links]

    @property
    def spent(self) -> Decimal:
        (key,) = self.own.view()
        return next(iter(key.spent.values()))


def exchange(terms: Terms = DOLLAR) -> Exchange:
    return Exchange("ex_1", "chat", 1_795_500_000.0, terms=terms)


def settle(one: Exchange, charged: str) -> None:
    assert one.grant is not None
    one.charged_usd = Decimal(charged)
    one.grant.settle(one)


async def test_a_budget_is_one_over_all_workers() -> None:
    house = House()
    first, second = house.workers
    one, other = exchange(), exchange()
    assert await first.admit(one, CENTS_60)
    waiting = asyncio.create_task(second.admit(other, CENTS_60))
    await breath()
    assert not waiting.done()
    settle(one, "0.3")
    assert await waiting
    settle(other, "0.8")
    settle(other, "0.8")  # once
    await breath()
    with pytest.raises(BudgetSpent):
        await first.admit(exchange(), CENTS_60)
    await second.look()
    assert [one.key_id for one in second.view()] == ["k"]
    assert house.spent == Decimal("1.1")


async def test_what_a_dead_worker_had_reserved_is_counted_in_full() -> None:
    house = House()
    one = exchange()
    await house.workers[0].admit(one, CENTS_60)
    assert one.grant is not None
    assert await one.grant.extend(Decimal("0.1"))
    house.links[0].close()
    await breath()
    assert house.spent == Decimal("0.7")
    assert house.own.view()[0].under_way == 0


async def test_who_leaves_before_it_is_let_through_costs_nothing() -> None:
    house = House()
    first, second = house.workers
    one = exchange()
    await first.admit(one, CENTS_60)
    leaving = asyncio.create_task(second.admit(exchange(), CENTS_60))
    await breath()
    leaving.cancel()
    await breath()
    settle(one, "0.1")
    await breath()
    (key,) = house.own.view()
    assert (key.under_way, key.waiting, house.spent) == (0, 0, Decimal("0.1"))


async def test_rate_and_concurrency_are_one_over_all_workers() -> None:
    house = House()
    first, second = house.workers
    await first.admit(exchange(Terms("c", concurrency=1)), Decimal(0))
    with pytest.raises(LimitReached, match="concurrency"):
        await second.admit(exchange(Terms("c", concurrency=1)), Decimal(0))
    await first.admit(exchange(Terms("r", rate_per_minute=1)), Decimal(0))
    with pytest.raises(LimitReached, match="rate_per_minute") as limited:
        await second.admit(exchange(Terms("r", rate_per_minute=1)), Decimal(0))
    assert limited.value.retry_after_s == 60.0


async def test_with_the_budget_spent_it_is_answered_at_home_where_the_terms_say_so() -> None:
    house = House()
    terms = Terms("k", budget_usd_per_day=Decimal(1), when_spent="local")
    one = exchange(terms)
    await house.workers[0].admit(one, Decimal(1))
    settle(one, "1")
    late = exchange(terms)
    assert not await house.workers[1].admit(late, CENTS_60)
    assert late.narrowed == "RES030"
    assert not await house.workers[1].admit(late, CENTS_60)  # it goes on with another backend
    settle(late, "0")


async def test_who_has_no_limits_costs_no_word() -> None:
    house = House()
    house.links[0].close()
    await breath()
    assert await house.workers[0].admit(exchange(Terms("free")), CENTS_60)
    assert await house.workers[0].admit(Exchange("ex_1", "chat", 0.0), CENTS_60)
