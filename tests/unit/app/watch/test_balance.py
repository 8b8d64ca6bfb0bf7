"""The balance's answer is read or refused, and the limit is crossed once in each direction."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tidegate.app.watch.balance import Account, Level, read_balance
from tidegate.core.errors import GatewayError

DOCUMENTED = {"currency": "CNY", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}


def body(*infos: Any, available: Any = True) -> bytes:
    return json.dumps({"is_available": available, "balance_infos": [*infos]}).encode()


def test_the_documented_answer_is_read() -> None:
    assert read_balance(body(DOCUMENTED)) == Account(True, {"CNY": Decimal("110.00")})


def test_both_currencies_may_stand_there_and_another_name_is_not_taken() -> None:
    infos = [{"currency": name, "total_balance": "1.5"} for name in ("USD", "CNY", "whatever")]
    assert read_balance(body(*infos, available=False)) == Account(False, {"USD": Decimal("1.5"), "CNY": Decimal("1.5")})


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b"<html>",
        b"{}",
        body(DOCUMENTED, available="yes"),
        body({"currency": "CNY", "total_balance": 110}),
        body({"currency": "CNY", "total_balance": "a lot"}),
        body({"currency": "CNY", "total_balance": "NaN"}),
        body({"currency": "CNY"}),
        b'{"is_available":true,"balance_infos":{}}',
    ],
)
def test_anything_else_is_a_broken_contract(broken: bytes) -> None:
    with pytest.raises(GatewayError):
        read_balance(broken)


def account(*amounts: str, available: bool = True) -> Account:
    return Account(available, dict(zip(("CNY", "USD"), map(Decimal, amounts), strict=False)))


def test_each_crossing_is_said_once() -> None:
    level = Level(2.0)
    said = [level.take(account(amount)) for amount in ("5", "2.00", "1.99", "0", "1", "2", "9", "-1")]
    assert said == [None, None, "balance_low", None, None, "balance_ok", None, "balance_low"]


def test_one_currency_that_reaches_the_limit_is_enough() -> None:
    level = Level(2.0)
    assert level.take(account("0", "3")) is None
    assert level.take(account("1", "1")) == "balance_low"


@pytest.mark.parametrize("poor", [account("100", available=False), account()])
def test_the_accounts_own_word_counts_and_no_amount_is_none(poor: Account) -> None:
    assert Level(2.0).take(poor) == "balance_low"


def test_another_limit_holds_from_the_next_look_on() -> None:
    level = Level(2.0)
    assert level.take(account("5")) is None
    level.adjust(10.0)
    assert level.take(account("5")) == "balance_low"
