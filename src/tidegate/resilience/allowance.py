"""What a client's terms let through now: its rate, its concurrency and its budget. Reserved before, settled after.

A budget holds because nothing is let through that could break it: the most that a request can cost is reserved before it
is sent, and what it did cost is counted when it is over. While all that is left is reserved, others wait for it: most cost
far less than they could. Only where nothing is reserved may one request go beyond: by itself it can spend no more than itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

from tidegate.core.errors import LimitReached
from tidegate.core.exchange import Exchange
from tidegate.core.terms import Terms
from tidegate.core.timers import Timers
from tidegate.resilience.budget import NOTHING, Account, Line, PeriodName, Waiting, budgets_of, spent_error
from tidegate.resilience.rules import SPENT_AT_HOME

RETRY_SOON_S = 1.0
Spent = Mapping[str, Mapping[str, Decimal]]
"""By key, what was spent in each period (2026-11-24, 2026-11), in USD."""


class Allowances(Protocol):
    """In one process, or shared by several."""

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        """Let the exchange through under its terms; `most_usd` is the most that it can cost. Sets `exchange.grant`.

        False: its budget is used up, and by its terms only backends at home may answer. Raises LimitReached, and
        BudgetSpent where the terms say so."""
        ...


class NoLimits:
    """Nobody's terms say anything."""

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        return True


class Taken(NamedTuple):
    """What was let through, to be given back by its number. Plain values: the one who takes may be another process."""

    number: int
    at_home: bool
    """Only backends at home may answer: the budget is used up."""


class BudgetView(NamedTuple):
    """One budget of a key in its newest period, in USD."""

    key_id: str
    name: PeriodName
    spent: Decimal
    limit: Decimal


class KeyView(NamedTuple):
    """What a key does at this moment, and what is spent and reserved in each period, in USD."""

    key_id: str
    under_way: int
    waiting: int
    spent: dict[str, Decimal]
    reserved: dict[str, Decimal]


class _Key:
    """What one key has under way. `tokens` are requests that it may still make, as of `at_s`; they grow again with time."""

    __slots__ = ("accounts", "at_s", "line", "tokens", "under_way")

    def __init__(self) -> None:
        self.tokens: float | None = None
        self.at_s = 0.0
        self.under_way = 0
        self.accounts: dict[str, Account] = {}
        self.line = Line()


class _Held(NamedTuple):
    key: _Key
    accounts: tuple[Account, ...]
    most_usd: Decimal


class OwnGrant:
    """One request that was let through. Settled once, however often it is."""

    __slots__ = ("_allowances", "_number")

    def __init__(self, allowances: OwnAllowances, number: int) -> None:
        self._allowances = allowances
        self._number: int | None = number

    def settle(self, exchange: Exchange) -> None:
        number, self._number = self._number, None
        if number is not None:
            self._allowances.give_back(number, exchange.charged_usd or NOTHING)

    async def extend(self, more_usd: Decimal) -> bool:
        return self._number is not None and self._allowances.extend(self._number, more_usd)


class OwnAllowances:
    """Those of one process. Not for threads: what is checked and what is reserved are one step, with no wait between."""

    def __init__(
        self,
        now_s: Callable[[], float],
        *,
        wait_s: float = 600.0,
        timers: Callable[[], Timers] = asyncio.get_running_loop,
        on_spent: Callable[[str, str], None] = lambda _key_id, _period: None,
    ) -> None:
        """`now_s` is monotonic; `wait_s` the longest time that a request waits for others to settle; `on_spent` hears once
        of each budget that is used up, with the key's id and the period."""
        self._now_s = now_s
        self._wait_s = wait_s
        self._spent: Spent = {}
        self._timers = timers
        self._on_spent = on_spent
        self._keys: dict[str, _Key] = {}
        self._held: dict[int, _Held] = {}
        self._last = 0

    def learn(self, spent: Spent) -> None:
        """What the ledger says of this month, at the start and with each new configuration. What a key with a budget spends
        after that is counted here, so it holds only where nothing was counted yet."""
        self._spent = spent

    def adjust(self, wait_s: float) -> None:
        self._wait_s = wait_s

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        terms = exchange.terms
        if terms is None or not terms.has_limits:
            return True
        if exchange.grant is not None:  # let through before: it goes on with another backend
            return exchange.narrowed is None
        taken = await self.take(terms, exchange.arrived_at, most_usd)
        exchange.grant = OwnGrant(self, taken.number)
        if taken.at_home:
            exchange.narrowed = SPENT_AT_HOME.code
        return not taken.at_home

    async def take(self, terms: Terms, arrived_at: float, most_usd: Decimal) -> Taken:
        """Let one request through; whoever gets it gives it back, whatever happens. `arrived_at` says of which day and
        month it is."""
        key = self._keys.get(terms.key_id)
        if key is None:
            key = self._keys[terms.key_id] = _Key()
        self._pass_rate(key, terms)
        if terms.concurrency is not None and key.under_way >= terms.concurrency:
            raise LimitReached(
                f"This key works on {key.under_way} requests, and its `concurrency` is {terms.concurrency}; wait for one to "
                "end, or raise it",
                retry_after_s=RETRY_SOON_S,
            )
        accounts = self._accounts(key, terms, arrived_at) if most_usd else ()
        key.under_way += 1
        try:
            at_home = bool(accounts) and not await self._reserve(key, terms, accounts, most_usd)
        except BaseException:
            key.under_way -= 1
            raise
        self._last += 1
        self._held[self._last] = _Held(key, () if at_home else accounts, most_usd)
        return Taken(self._last, at_home)

    def give_back(self, number: int, charged_usd: Decimal) -> None:
        """It is over, and this is what it cost."""
        held = self._held.pop(number, None)
        if held is None:
            return
        held.key.under_way -= 1
        for account in held.accounts:
            account.settle(held.most_usd, charged_usd)
        held.key.line.advance()

    def extend(self, number: int, more_usd: Decimal) -> bool:
        """Reserve more for what is under way, if that fits; it does not wait, since it holds something itself."""
        held = self._held.get(number)
        if held is None or not all(one.holders == 1 or one.fits(more_usd) for one in held.accounts):
            return False
        for account in held.accounts:
            account.reserved += more_usd
        self._held[number] = held._replace(most_usd=held.most_usd + more_usd)
        return True

    def view(self) -> list[KeyView]:
        return [
            KeyView(
                key_id,
                key.under_way,
                len(key.line),
                {account.period: account.spent for account in key.accounts.values()},
                {account.period: account.reserved for account in key.accounts.values()},
            )
            for key_id, key in self._keys.items()
        ]

    def budgets(self) -> list[BudgetView]:
        """Of keys that have asked since the start."""
        newest = {
            (key_id, account.name): BudgetView(key_id, account.name, account.spent, account.budget)
            for key_id, key in self._keys.items()
            for account in sorted(key.accounts.values(), key=lambda one: one.period)
        }
        return [newest[one] for one in sorted(newest)]

    def _pass_rate(self, key: _Key, terms: Terms) -> None:
        """A bucket that holds a minute's requests and is filled evenly."""
        rate = terms.rate_per_minute
        if rate is None:
            return
        now_s = self._now_s()
        tokens = rate if key.tokens is None else min(rate, key.tokens + (now_s - key.at_s) * rate / 60)
        key.at_s = now_s
        if tokens < 1:
            key.tokens = tokens
            wait_s = (1 - tokens) * 60 / rate
            raise LimitReached(
                f"This key has asked {rate} times within a minute, which is its `rate_per_minute`; ask again later, or raise it",
                retry_after_s=wait_s,
            )
        key.tokens = tokens - 1

    def _accounts(self, key: _Key, terms: Terms, arrived_at: float) -> tuple[Account, ...]:
        """Those of the day and the month in which the request arrived. The ledger books it there too."""
        found: list[Account] = []
        for name, period, budget in budgets_of(terms, arrived_at):
            account = key.accounts.get(period)
            if account is None:
                self._forget_old(key)
                spent = self._spent.get(terms.key_id, {}).get(period, NOTHING)
                account = key.accounts[period] = Account(name, period, spent)
            account.budget = budget
            found.append(account)
        return tuple(found)

    def _forget_old(self, key: _Key) -> None:
        """Periods of which nothing is under way, but for the newest of each kind."""
        newest = {account.name: account.period for account in key.accounts.values()}
        key.accounts = {
            period: account
            for period, account in key.accounts.items()
            if account.holders or newest[account.name] == period or key.line
        }

    async def _reserve(self, key: _Key, terms: Terms, accounts: tuple[Account, ...], most_usd: Decimal) -> bool:
        """Whether the money is reserved; False: it is spent, and only those at home may answer."""
        spent = next((one for one in accounts if one.is_spent), None)
        if spent is None:
            if not key.line and all(one.fits(most_usd) for one in accounts):
                for one in accounts:
                    one.reserve(most_usd)
                return True
            spent = await self._wait(key, accounts, most_usd)
            if spent is None:
                return True
        if not spent.told:
            spent.told = True
            self._on_spent(terms.key_id, spent.period)
        if terms.when_spent == "local":
            return False
        raise spent_error(spent)

    async def _wait(self, key: _Key, accounts: tuple[Account, ...], most_usd: Decimal) -> Account | None:
        """In line until the money is reserved (None), or an account is spent."""
        waiting = Waiting(asyncio.get_running_loop().create_future(), accounts, most_usd)
        key.line.join(waiting)
        timer = self._timers().call_later(self._wait_s, lambda: waiting.give_up(self._wait_s))
        try:
            return await waiting.turn
        except BaseException:
            if waiting.has_reserved:  # its turn had come when the client left
                for one in accounts:
                    one.settle(most_usd, NOTHING)
            raise
        finally:
            timer.cancel()
            key.line.leave(waiting)
