"""One budget, one rate and one concurrency per key, over all workers.

The steward checks and reserves in one step; a worker asks before each request whose key has limits, and says after it what
it cost. What a worker had reserved when it died is counted in full: its requests may have cost that, and nobody will say.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.core.exchange import Exchange
from tidegate.core.terms import Terms
from tidegate.resilience.allowance import KeyView, OwnAllowances, Spent
from tidegate.resilience.budget import NOTHING
from tidegate.resilience.rules import SPENT_AT_HOME
from tidegate.steward.link import Answers, Hears, Link

TAKE, EXTEND, GIVE_BACK, VIEW = "allowances.take", "allowances.extend", "allowances.give_back", "allowances.view"


class _Taking(Struct, frozen=True, array_like=True):
    terms: Terms
    arrived_at: float
    most_usd: Decimal


class _More(Struct, frozen=True, array_like=True):
    """`number` is that under which it was taken."""

    number: int
    usd: Decimal


class _Held(Struct):
    """`number` is that of the steward's own allowances."""

    number: int
    most_usd: Decimal


class AllowanceDesk:
    """The steward's half."""

    def __init__(self, allowances: OwnAllowances) -> None:
        self._allowances = allowances
        self._held: dict[Link, dict[int, _Held]] = {}
        self.answers: Answers = {TAKE: self._take, EXTEND: self._extend, VIEW: self._view}
        self.hears: Hears = {GIVE_BACK: self._give_back}

    def end(self, link: Link) -> None:
        for held in self._held.pop(link, {}).values():
            self._allowances.give_back(held.number, held.most_usd)

    def back(self, link: Link, number: int) -> None:
        """The client had left before anything of its request was sent."""
        held = self._held.get(link, {}).pop(number, None)
        if held is not None:
            self._allowances.give_back(held.number, NOTHING)

    async def _take(self, link: Link, number: int, value: Any) -> bool:
        asked = msgspec.convert(value, _Taking)
        taken = await self._allowances.take(asked.terms, asked.arrived_at, asked.most_usd)
        self._held.setdefault(link, {})[number] = _Held(taken.number, asked.most_usd)
        return taken.at_home

    async def _extend(self, link: Link, _number: int, value: Any) -> bool:
        more = msgspec.convert(value, _More)
        held = self._held.get(link, {}).get(more.number)
        if held is None or not self._allowances.extend(held.number, more.usd):
            return False
        held.most_usd += more.usd
        return True

    async def _view(self, _link: Link, _number: int, _value: Any) -> list[KeyView]:
        return self._allowances.view()

    def _give_back(self, link: Link, value: Any) -> None:
        cost = msgspec.convert(value, _More)
        held = self._held.get(link, {}).pop(cost.number, None)
        if held is not None:
            self._allowances.give_back(held.number, cost.usd)


class _Grant:
    __slots__ = ("_link", "_number")

    def __init__(self, link: Link, number: int) -> None:
        self._link = link
        self._number = number

    def settle(self, exchange: Exchange) -> None:
        number, self._number = self._number, 0
        if number:
            self._link.tell(GIVE_BACK, _More(number, exchange.charged_usd or NOTHING))

    async def extend(self, more_usd: Decimal) -> bool:
        return bool(self._number) and await self._link.ask(EXTEND, _More(self._number, more_usd), bool)


class SharedAllowances:
    """The worker's half."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._seen: list[KeyView] = []

    async def admit(self, exchange: Exchange, most_usd: Decimal) -> bool:
        terms = exchange.terms
        if terms is None or not terms.has_limits:
            return True
        if exchange.grant is not None:  # let through before: it goes on with another backend
            return exchange.narrowed is None
        number = self._link.next_number()
        at_home = await self._link.ask(TAKE, _Taking(terms, exchange.arrived_at, most_usd), bool, number=number)
        exchange.grant = _Grant(self._link, number)
        if at_home:
            exchange.narrowed = SPENT_AT_HOME.code
        return not at_home

    def learn(self, spent: Spent) -> None:
        """The steward has read it."""

    def adjust(self, wait_s: float) -> None:
        """The steward does."""

    def view(self) -> list[KeyView]:
        """As of the last `look`."""
        return self._seen

    async def look(self) -> None:
        self._seen = await self._link.ask(VIEW, kind=list[KeyView])
