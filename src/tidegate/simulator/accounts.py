"""Accounts behind keys: their money, and how many requests they may have open. Arithmetic only; pure, Decimal throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from tidegate.catalog.contracts.contract import Contract
from tidegate.catalog.prices import Currency, PriceRow, price_rows_within
from tidegate.core.errors import Misconfigured
from tidegate.core.usage import Usage

_CENT, _NOTHING = Decimal("0.01"), Decimal(0)
_MOST_MONEY = Decimal(1_000_000_000)
_CNY_PER_USD = Decimal("6.8")
"""Between the ratios of the two price lists of 2026-09-10 (6.67 and 6.82); only scales a limit, never a price."""


@dataclass(slots=True)
class Account:
    """What one key owns. The granted money is used first."""

    name: str
    currency: Currency
    topped_up: Decimal
    granted: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    open_requests: Counter[str] = field(default_factory=Counter[str])

    @property
    def balance(self) -> Decimal:
        return self.granted + self.topped_up

    def charge(self, amount: Decimal) -> None:
        """An answer that was begun is paid in full, so the balance may fall below zero."""
        granted = min(self.granted, amount)
        self.granted -= granted
        self.topped_up -= amount - granted
        self.spent += amount

    def balance_answer(self) -> dict[str, Any]:
        """The body of GET /user/balance: amounts are texts with two decimals. What is owed shows as nothing left."""
        amounts = {"total_balance": self.balance, "granted_balance": self.granted, "topped_up_balance": self.topped_up}
        texts = {name: str(max(_NOTHING, amount).quantize(_CENT, ROUND_DOWN)) for name, amount in amounts.items()}
        return {"is_available": self.balance > 0, "balance_infos": [{"currency": self.currency, **texts}]}


class Accounts:
    """All accounts. Without `fixed` ones every key that begins with `sk-` is accepted and opens an account."""

    def __init__(
        self,
        currency: Currency = "USD",
        opening: Decimal = Decimal("10.00"),
        fixed: Mapping[str, Decimal] | None = None,
    ) -> None:
        self._currency: Currency = currency
        self._opening = opening
        self._accounts = {key: self._new(key, balance) for key, balance in (fixed or {}).items()}
        self._is_open = not self._accounts

    def of(self, key: str) -> Account | None:
        """The account of this key, None for a key that is not accepted."""
        found = self._accounts.get(key)
        if found is None and self._opens(key):
            found = self._accounts[key] = self._new(key, self._opening)
        return found

    def accepts(self, key: str | None) -> bool:
        """Whether there is or would be an account; opens none."""
        return bool(key) and (key in self._accounts or self._opens(key))

    def _opens(self, key: str) -> bool:
        return self._is_open and key.startswith("sk-") and len(key) > len("sk-")

    def set(self, key: str, topped_up: Decimal, granted: Decimal) -> Account:
        """Opens the account or sets its money anew."""
        account = self._accounts.setdefault(key, self._new(key, topped_up))
        account.topped_up, account.granted = topped_up, granted
        return account

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def _new(self, key: str, balance: Decimal) -> Account:
        return Account(masked(key), self._currency, balance)


def read_money(value: object) -> Decimal | None:
    """An amount that an account can hold: none below zero, none beyond all arithmetic."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= _MOST_MONEY else None


def masked(key: str) -> str:
    """A key as it may be shown."""
    return f"{key[:3]}...{key[-4:]}" if len(key) > 11 else f"{key[:5]}..."


def cost_of(contract: Contract, model: str, usage: Usage, at: datetime, currency: Currency) -> Decimal:
    """What an answer costs at that minute, by the latest of the profile's price rows; before the first, by the first."""
    rows = _prices(contract, model)
    cost = next((row for row in rows if row.valid_from <= at), rows[-1]).cost(usage, at, currency)
    assert cost is not None, "the simulator counts all tokens, and prices were checked at the start"
    return cost


def check_currency(contract: Contract, currency: Currency) -> None:
    unknown = [model for model in contract.models if currency == "CNY" and _lacks_cny(contract, model)]
    if unknown:
        raise Misconfigured(
            f"the prices of {', '.join(unknown)} in CNY are not known for the profile {contract.profile}; "
            "use --currency USD, or the profile 2026-09-v41"
        )


def _prices(contract: Contract, model: str) -> list[PriceRow]:
    """Newest first."""
    named = contract.tables["prices"][model].values
    return price_rows_within(model, named["row_from"], named.get("row_until"))


def _lacks_cny(contract: Contract, model: str) -> bool:
    return any(row.cny is None for row in _prices(contract, model))


def concurrency_limit(contract: Contract, model: str, account: Account) -> int:
    """Open requests of this account: the published limit of the model, lowered by what is left of the balance."""
    published = contract.models[model].concurrency
    per_usd = contract.value("queue", "concurrency_per_usd")
    if not per_usd:
        return published
    balance_usd = account.balance / (_CNY_PER_USD if account.currency == "CNY" else 1)
    least = contract.value("queue", "least_concurrency")
    return int(min(published, max(least, float(balance_usd) * per_usd)))
