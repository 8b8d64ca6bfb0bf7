"""The hosted account's balance: what its answer says, and when it crosses the limit. No loop, no clock.

Shape of `GET /user/balance` (DeepSeek API reference, 2026-08-02): amounts are texts, currencies CNY and USD, perhaps both.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from tidegate.codecs.answers import load_answer
from tidegate.core.errors import BrokenContract
from tidegate.core.jsonvalue import as_list, as_object

_CURRENCIES = ("CNY", "USD")
Crossing = Literal["balance_low", "balance_ok"]


@dataclass(frozen=True, slots=True)
class Account:
    """`available` is the server's own word for whether requests will be answered."""

    available: bool
    amounts: dict[str, Decimal]


def read_balance(body: bytes) -> Account:
    found = load_answer(body)
    infos = as_list(found.get("balance_infos"))
    available = found.get("is_available")
    if infos is None or not isinstance(available, bool):
        raise BrokenContract("the balance has no `balance_infos` or no `is_available`")
    amounts: dict[str, Decimal] = {}
    for info in map(as_object, infos):
        currency = (info or {}).get("currency")
        if currency in _CURRENCIES:  # a name that nobody documented is not shown, whatever it is
            amounts[str(currency)] = _amount((info or {}).get("total_balance"))
    return Account(available, amounts)


def _amount(text: object) -> Decimal:
    try:
        amount = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise BrokenContract("the balance has a `total_balance` that is no amount")
    return amount


class Level:
    """Says once that the limit was crossed, in either direction. It starts out as being above."""

    def __init__(self, limit: float) -> None:
        self.low = False
        self.adjust(limit)

    def adjust(self, limit: float) -> None:
        self._limit = Decimal(str(limit))

    def take(self, account: Account) -> Crossing | None:
        """Low: the account says that it is, or none of its currencies reaches the limit."""
        low = not account.available or all(amount < self._limit for amount in account.amounts.values())
        if low == self.low:
            return None
        self.low = low
        return "balance_low" if low else "balance_ok"
