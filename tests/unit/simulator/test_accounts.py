"""Money and limits: who has an account, what an answer costs at which minute, what is left, how much may be open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tidegate.catalog.contracts import contract_named
from tidegate.core.errors import Misconfigured
from tidegate.core.usage import Usage
from tidegate.simulator.accounts import (
    Account,
    Accounts,
    check_currency,
    concurrency_limit,
    cost_of,
    masked,
    read_money,
)

NOW, OLD = contract_named("2026-09-v41"), contract_named("2026-04-preview")
MILLION = Usage(prompt=1_000_000, cache_hit=0, output=0)
PEAK, OFF_PEAK = datetime(2026, 11, 24, 2, 30, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC)


def account(topped_up: str = "10", granted: str = "0", currency: str = "USD") -> Account:
    return Account("sk-...0000", currency, Decimal(topped_up), Decimal(granted))  # type: ignore[arg-type]


def test_any_key_of_the_right_form_opens_an_account_once():
    accounts = Accounts(opening=Decimal("3.50"))
    first = accounts.of("sk-one")
    assert first is not None
    assert (first.balance, accounts.of("sk-one") is first) == (Decimal("3.50"), True)
    assert [accounts.of(key) for key in ("", "sk-", "Bearer", "pk-one")] == [None] * 4


def test_fixed_keys_are_the_only_ones():
    accounts = Accounts(fixed={"sk-a": Decimal(1), "other": Decimal(2)})
    assert [found.balance for key in ("sk-a", "other") if (found := accounts.of(key))] == [1, 2]
    assert accounts.of("sk-b") is None


def test_money_can_be_set():
    accounts = Accounts()
    assert accounts.set("sk-a", Decimal(5), Decimal(2)).balance == 7
    assert accounts.of("sk-a") is accounts.set("sk-a", Decimal(0), Decimal(0))


def test_granted_money_goes_first_and_the_rest_may_fall_below_zero():
    one = account("1.00", granted="0.50")
    one.charge(Decimal("0.20"))
    assert (one.granted, one.topped_up) == (Decimal("0.30"), Decimal("1.00"))
    one.charge(Decimal("2"))
    assert (one.granted, one.topped_up, one.balance, one.spent) == (
        0,
        Decimal("-0.70"),
        Decimal("-0.70"),
        Decimal("2.20"),
    )


def test_the_balance_is_texts_with_two_decimals():
    one = account("9.999", granted="0.5", currency="CNY")
    assert one.balance_answer() == {
        "is_available": True,
        "balance_infos": [
            {"currency": "CNY", "total_balance": "10.49", "granted_balance": "0.50", "topped_up_balance": "9.99"}
        ],
    }
    assert account("0").balance_answer()["is_available"] is False


@pytest.mark.parametrize(
    ("contract", "model", "at", "usd"),
    [
        (NOW, "deepseek-flash", OFF_PEAK, "0.15"),
        (NOW, "deepseek-flash", PEAK, "0.30"),
        (NOW, "deepseek-v4-pro", PEAK, "1.32"),
        (OLD, "deepseek-v4-flash", PEAK, "0.14"),
        (OLD, "deepseek-v4-pro", PEAK, "0.435"),
        (contract_named("2026-08-ga"), "deepseek-v4-flash", PEAK, "0.44"),
    ],
)
def test_the_profile_names_the_price_and_the_clock_the_hour(contract, model, at, usd):
    assert cost_of(contract, model, MILLION, at, "USD") == Decimal(usd)


GA = contract_named("2026-08-ga")
WEEK = timedelta(days=7)
SATURDAY = datetime(2026, 8, 22, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("contract", "model", "at", "usd"),
    [
        (GA, "deepseek-v4-flash", SATURDAY, "0.44"),
        (GA, "deepseek-v4-flash", SATURDAY + WEEK, "0.22"),
        (GA, "deepseek-v4-flash", SATURDAY + 2 * WEEK - timedelta(days=1), "0.44"),
        (GA, "deepseek-v4-flash", SATURDAY + 12 * WEEK, "0.22"),  # not the price of the model that came after it
        (GA, "deepseek-v4-pro", SATURDAY + WEEK, "0.66"),
        (GA, "deepseek-v4-pro", SATURDAY - 20 * WEEK, "1.32"),  # before the first row: by the first
        (OLD, "deepseek-v4-pro", datetime(2026, 4, 25, tzinfo=UTC), "1.74"),
        (OLD, "deepseek-v4-pro", datetime(2026, 5, 21, tzinfo=UTC), "1.74"),
        (OLD, "deepseek-v4-pro", datetime(2026, 5, 23, tzinfo=UTC), "0.435"),
    ],
)
def test_prices_that_changed_within_a_profile_hold_from_their_day(contract, model, at, usd):
    assert cost_of(contract, model, MILLION, at, "USD") == Decimal(usd)


def test_at_its_launch_the_preview_charged_ten_times_more_for_a_hit():
    hit = Usage(prompt=1_000_000, cache_hit=1_000_000, output=0)
    prices = [cost_of(OLD, "deepseek-v4-flash", hit, datetime(2026, 4, day, tzinfo=UTC), "USD") for day in (25, 27)]
    assert prices == [Decimal("0.028"), Decimal("0.0028")]


@pytest.mark.parametrize("money", ["-0.001", "-0.70", "-0"])
def test_what_is_owed_shows_as_nothing_left(money: str):
    (shown,) = account(money).balance_answer()["balance_infos"]
    assert (shown["total_balance"], shown["granted_balance"], shown["topped_up_balance"]) == ("0.00", "0.00", "0.00")


def test_an_account_holds_amounts_that_money_comes_in():
    assert [read_money(value) for value in ("10.00", 0, 1.5)] == [Decimal(10), Decimal(0), Decimal("1.5")]
    wrong = ("much", "NaN", "inf", "-1", "1e30", None, True, [], "")
    assert [read_money(value) for value in wrong] == [None] * len(wrong)


def test_whether_a_key_would_be_accepted_opens_no_account():
    accounts = Accounts()
    assert [accounts.accepts(key) for key in ("sk-a", "sk-", "pk-a", "", None)] == [True, False, False, False, False]
    assert accounts.all() == []
    assert [Accounts(fixed={"k": Decimal(1)}).accepts(key) for key in ("k", "sk-a")] == [True, False]


def test_yuan_are_known_for_the_newest_profile_only():
    check_currency(NOW, "CNY")
    assert cost_of(NOW, "deepseek-flash", MILLION, OFF_PEAK, "CNY") == 1
    with pytest.raises(Misconfigured, match="in CNY are not known for the profile 2026-04-preview; use --currency USD"):
        check_currency(OLD, "CNY")


@pytest.mark.parametrize(
    ("contract", "model", "money", "currency", "limit"),
    [
        (NOW, "deepseek-flash", "10", "USD", 200),
        (NOW, "deepseek-flash", "0.5", "USD", 25),
        (NOW, "deepseek-flash", "1000", "USD", 2500),
        (NOW, "deepseek-v4-pro", "1000", "USD", 500),
        (NOW, "deepseek-flash", "68", "CNY", 200),
        (OLD, "deepseek-v4-flash", "0.5", "USD", 2500),
    ],
)
def test_the_limit_falls_with_the_balance_since_september(contract, model, money, currency, limit):
    assert concurrency_limit(contract, model, account(money, currency=currency)) == limit


def test_a_key_is_never_shown_whole():
    assert masked("sk-0123456789abcdef") == "sk-...cdef"
    assert masked("sk-secret") == "sk-se..."
