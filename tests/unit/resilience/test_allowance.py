"""What a key's terms let through: its rate, its concurrency and its budget, and what comes free when a request is over."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from tests.support.hands import Hands, breath

from tidegate.core.errors import BudgetSpent, LimitReached
from tidegate.core.exchange import Exchange
from tidegate.core.terms import Terms
from tidegate.resilience.allowance import NoLimits, OwnAllowances
from tidegate.resilience.rules import SPENT_AT_HOME

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z
DAY_S = 86_400.0
CENT = Decimal("0.01")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def allowances(hands: Hands, told: list[tuple[str, str]]) -> OwnAllowances:
    return OwnAllowances(
        hands.time, wait_s=60, timers=hands, on_spent=lambda key_id, period: told.append((key_id, period))
    )


def exchange(terms: Terms | None, at: float = NOON) -> Exchange:
    return Exchange("ex_1", "openai_chat", at, terms=terms)


def settled(one: Exchange, charged: Decimal | None) -> None:
    one.charged_usd = charged
    assert one.grant is not None
    one.grant.settle(one)


async def test_without_terms_or_limits_nothing_is_held(allowances: OwnAllowances) -> None:
    for terms in (None, Terms("k", ("auto",), weight=2, priority="high")):
        one = exchange(terms)
        assert await allowances.admit(one, CENT)
        assert one.grant is None
    assert await NoLimits().admit(exchange(None), CENT)
    assert allowances.view() == []


async def test_a_minutes_requests_may_come_at_once_and_then_evenly(allowances: OwnAllowances, hands: Hands) -> None:
    terms = Terms("k", rate_per_minute=3)
    for _ in range(3):
        await allowances.admit(exchange(terms), CENT)
    with pytest.raises(LimitReached, match="`rate_per_minute`") as refused:
        await allowances.admit(exchange(terms), CENT)
    assert refused.value.retry_after_s == pytest.approx(20)
    hands.turn(19)
    with pytest.raises(LimitReached) as refused:
        await allowances.admit(exchange(terms), CENT)
    assert refused.value.retry_after_s == pytest.approx(1)
    hands.turn(1.01)
    await allowances.admit(exchange(terms), CENT)
    hands.turn(10_000)
    for _ in range(3):
        await allowances.admit(exchange(terms), CENT)
    with pytest.raises(LimitReached):
        await allowances.admit(exchange(terms), CENT)
    await allowances.admit(exchange(Terms("other", rate_per_minute=1)), CENT)


async def test_only_so_many_at_once_and_a_place_comes_free_once(allowances: OwnAllowances) -> None:
    terms = Terms("k", concurrency=2)
    one, two = exchange(terms), exchange(terms)
    await allowances.admit(one, CENT)
    await allowances.admit(two, CENT)
    with pytest.raises(LimitReached, match=r"works on 2 requests, and its `concurrency` is 2") as refused:
        await allowances.admit(exchange(terms), CENT)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 1.0)
    settled(one, None)
    settled(one, None)
    await allowances.admit(exchange(terms), CENT)
    with pytest.raises(LimitReached):
        await allowances.admit(exchange(terms), CENT)


async def test_money_that_is_spent_is_refused_with_what_to_do(
    allowances: OwnAllowances, told: list[tuple[str, str]]
) -> None:
    terms = Terms("k", budget_usd_per_day=CENT)
    one = exchange(terms)
    assert await allowances.admit(one, CENT * 5), "one that is alone may go beyond"
    settled(one, CENT * 2)
    for _ in range(2):
        with pytest.raises(BudgetSpent, match="until 2026-11-25 00:00 UTC; wait, raise its `budget_usd_per_day`"):
            await allowances.admit(exchange(terms), CENT)
    assert told == [("k", "2026-11-24")], "once"
    assert await allowances.admit(exchange(terms), Decimal(0)), "what costs nothing may go"
    assert await allowances.admit(exchange(terms, NOON + DAY_S), CENT), "the next day is another"


async def test_by_its_terms_only_those_at_home_answer(allowances: OwnAllowances) -> None:
    allowances.learn({"k": {"2026-11-24": CENT, "2026-11": CENT * 3}})
    terms = Terms("k", budget_usd_per_month=CENT * 3, when_spent="local")
    one = exchange(terms)
    assert not await allowances.admit(one, CENT)
    assert one.narrowed == SPENT_AT_HOME.code
    assert allowances.view()[0].under_way == 1
    assert not await allowances.admit(one, CENT), "it goes on elsewhere, and stays at home"
    settled(one, None)
    assert allowances.view()[0].under_way == 0


async def test_while_the_rest_is_reserved_others_wait_for_it(allowances: OwnAllowances) -> None:
    terms = Terms("k", budget_usd_per_day=CENT * 10)
    first, second = exchange(terms), exchange(terms)
    await allowances.admit(first, CENT * 8)
    task = asyncio.create_task(allowances.admit(second, CENT * 8))
    await breath()
    assert not task.done()
    (view,) = allowances.view()
    assert (view.under_way, view.waiting, view.reserved) == (2, 1, {"2026-11-24": CENT * 8})
    settled(first, CENT)
    assert await task
    settled(second, CENT)
    (view,) = allowances.view()
    assert (view.under_way, view.waiting, view.spent, view.reserved) == (
        0,
        0,
        {"2026-11-24": CENT * 2},
        {"2026-11-24": 0},
    )


async def test_the_wait_is_bounded(allowances: OwnAllowances, hands: Hands) -> None:
    terms = Terms("k", budget_usd_per_day=CENT, concurrency=2)
    first = exchange(terms)
    await allowances.admit(first, CENT)
    task = asyncio.create_task(allowances.admit(exchange(terms), CENT))
    await breath()
    await hands.turned(60)
    with pytest.raises(LimitReached, match="none of it came free within 60 s"):
        await task
    assert allowances.view()[0][1:3] == (1, 0)
    allowances.adjust(5)
    task = asyncio.create_task(allowances.admit(exchange(terms), CENT))
    await breath()
    await hands.turned(5)
    assert isinstance(task.exception(), LimitReached)
    assert hands.due == []


@pytest.mark.parametrize("turn_had_come", [False, True])
async def test_a_client_that_leaves_while_it_waits_holds_nothing(
    allowances: OwnAllowances, turn_had_come: bool
) -> None:
    terms = Terms("k", budget_usd_per_day=CENT)
    first = exchange(terms)
    await allowances.admit(first, CENT)
    task = asyncio.create_task(allowances.admit(exchange(terms), CENT))
    await breath()
    if turn_had_come:
        settled(first, Decimal(0))
    task.cancel()
    await breath()
    assert task.cancelled()
    if not turn_had_come:
        settled(first, Decimal(0))
    (view,) = allowances.view()
    assert (view.under_way, view.waiting, view.reserved) == (0, 0, {"2026-11-24": 0})


async def test_what_goes_on_elsewhere_is_let_through_once(allowances: OwnAllowances) -> None:
    terms = Terms("k", rate_per_minute=1, budget_usd_per_day=CENT)
    one = exchange(terms)
    assert await allowances.admit(one, CENT)
    assert await allowances.admit(one, CENT)
    assert allowances.view()[0].reserved == {"2026-11-24": CENT}


async def test_an_attempt_that_may_have_cost_reserves_more_if_that_fits(allowances: OwnAllowances) -> None:
    terms = Terms("k", budget_usd_per_day=CENT * 10)
    one, other = exchange(terms), exchange(terms)
    await allowances.admit(one, CENT * 3)
    assert one.grant is not None
    assert await one.grant.extend(CENT * 50), "alone, it may go beyond"
    settled(one, CENT * 2)
    one = exchange(terms)
    await allowances.admit(one, CENT * 3)
    await allowances.admit(other, CENT * 3)
    assert one.grant is not None
    assert await one.grant.extend(CENT * 2)
    assert not await one.grant.extend(CENT)
    assert allowances.view()[0].reserved == {"2026-11-24": CENT * 8}
    settled(one, CENT)
    assert not await one.grant.extend(CENT), "it is over"
    settled(other, CENT)
    assert allowances.view()[0].reserved == {"2026-11-24": 0}


async def test_old_days_are_forgotten_once_nothing_of_them_is_under_way(allowances: OwnAllowances) -> None:
    terms = Terms("k", budget_usd_per_day=CENT)
    late = exchange(terms)
    await allowances.admit(late, CENT)
    for day in range(1, 5):
        one = exchange(terms, NOON + day * DAY_S)
        await allowances.admit(one, CENT)
        settled(one, Decimal(0))
    assert "2026-11-24" in allowances.view()[0].spent
    settled(late, CENT)
    await allowances.admit(exchange(terms, NOON + 5 * DAY_S), CENT)
    assert list(allowances.view()[0].spent) == ["2026-11-28", "2026-11-29"]


async def test_of_each_budget_the_newest_period_is_shown(allowances: OwnAllowances) -> None:
    terms = Terms("k", budget_usd_per_day=CENT, budget_usd_per_month=CENT * 9)
    for day in range(2):
        one = exchange(terms, NOON + day * DAY_S)
        await allowances.admit(one, CENT)
        settled(one, CENT * (day + 1))
    assert allowances.budgets() == [("k", "day", CENT * 2, CENT), ("k", "month", CENT * 3, CENT * 9)]


async def test_a_raised_budget_holds_at_once(allowances: OwnAllowances) -> None:
    allowances.learn({"k": {"2026-11-24": CENT}})
    with pytest.raises(BudgetSpent):
        await allowances.admit(exchange(Terms("k", budget_usd_per_day=CENT)), CENT)
    assert await allowances.admit(exchange(Terms("k", budget_usd_per_day=CENT * 2)), CENT)
