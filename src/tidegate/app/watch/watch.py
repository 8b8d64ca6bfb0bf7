"""The watch itself: looks at backends and breakers, polls the balance, hears of finished exchanges, raises alerts.

Nothing of it is in the way of a request: what it does for one takes microseconds, the rest is two tasks of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tidegate.app.watch.alerts import RULES, Alert, Value
from tidegate.app.watch.balance import Account, Level, read_balance
from tidegate.app.watch.history import History, Turned
from tidegate.app.watch.sending import Sender
from tidegate.config.resilience import AlertEvent, WatchOptions
from tidegate.core.decision import Snapshot
from tidegate.core.errors import GatewayError
from tidegate.core.exchange import Exchange
from tidegate.resilience.breaker import BreakerView
from tidegate.surfaces.errors import log_unexpected
from tidegate.surfaces.metrics.state import Balance, Posts

LOOK_S = 1.0
DAY_S = 86_400
SAID_AGAIN_S = 3600.0
WRONG_KEYS, WITHIN_S = 10, 60.0
_LAST_ALERTS = 20
_MOST_SAID = 1000

_log = logging.getLogger("tidegate.watch")


class Hosted(Protocol):
    """The hosted API, where one is configured."""

    @property
    def name(self) -> str: ...

    async def fetch(self, path: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What the watch looks at. `now` is unix seconds; `sleep` is the waiting itself."""

    snapshot: Callable[[], Snapshot]
    breakers: Callable[[], Sequence[BreakerView]]
    new_id: Callable[[], str]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Watch:
    def __init__(self, options: WatchOptions, sight: Sight, senders: Sequence[Sender], hosted: Hosted | None) -> None:
        self._options = options
        self._sight = sight
        self._senders = senders
        self._hosted = hosted if options.balance_interval_s else None
        self._history = History(options.history_s)
        self._level = Level(options.low_balance)
        self._account: Account | None = None
        self._seen_at = 0.0
        self._balance_error: str | None = None
        self._raised: deque[Alert] = deque(maxlen=_LAST_ALERTS)
        self._said: dict[tuple[AlertEvent, str], float] = {}
        self._wrong_keys: deque[float] = deque(maxlen=WRONG_KEYS)
        self._day = 0
        self._spent_usd = Decimal(0)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, spent_today_usd: Decimal = Decimal(0)) -> None:
        self._day, self._spent_usd = int(self._sight.now() // DAY_S), spent_today_usd
        for sender in self._senders:
            sender.start()
        self._tasks = [asyncio.create_task(self._again_and_again(self.look, LOOK_S))]
        if self._hosted is not None:
            interval_s = self._options.balance_interval_s
            self._tasks.append(asyncio.create_task(self._again_and_again(self.poll_balance, interval_s)))

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for sender in self._senders:
            await sender.stop()

    async def settled(self) -> None:
        """Returns when no alert waits to be sent."""
        for sender in self._senders:
            await sender.settled()

    async def _again_and_again(self, act: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await act()
            except Exception as error:
                log_unexpected(error)
            await self._sight.sleep(every_s)

    async def look(self) -> None:
        """How the backends are now."""
        sight = self._sight
        for turned in self._history.look(sight.snapshot().backends, sight.breakers(), sight.now()):
            self._say_turned(turned)

    def _say_turned(self, turned: Turned) -> None:
        data: dict[str, Value] = {"backend": turned.backend}
        if turned.out:
            data["because"] = "breaker" if turned.model else "unreachable"
            if turned.model:
                data["model"] = turned.model
            _log.warning("%s: backend %s is out of service", RULES["backend_down"].code, turned.backend)
        else:
            _log.info("%s: backend %s is back", RULES["backend_up"].code, turned.backend)
        self._raise("backend_down" if turned.out else "backend_up", data)

    async def poll_balance(self) -> None:
        """A failure keeps what was known, and is said once."""
        if self._hosted is None:
            return
        name = self._hosted.name
        try:
            account = read_balance(await self._hosted.fetch("/user/balance"))
        except GatewayError as error:
            if self._balance_error is None:
                _log.warning("the balance behind backend %s cannot be read: %s", name, type(error).__name__)
            self._balance_error = type(error).__name__
            return
        self._account, self._seen_at, self._balance_error = account, self._sight.now(), None
        crossing = self._level.take(account)
        if crossing is None:
            return
        amounts = ", ".join(f"{amount:f} {currency}" for currency, amount in account.amounts.items()) or "nothing"
        _log.warning("%s: %s: %s at backend %s", RULES[crossing].code, RULES[crossing].title, amounts, name)
        told: dict[str, Value] = {
            f"balance_{currency.lower()}": f"{one:f}" for currency, one in account.amounts.items()
        }
        limit = f"{self._options.low_balance:g}"
        self._raise(crossing, {"backend": name, "available": account.available, "low_balance": limit, **told})

    def note(self, exchange: Exchange) -> None:
        """Called once per exchange, when it is over."""
        self._history.note(exchange)
        if exchange.cost_usd:
            self._roll()
            self._spent_usd += exchange.cost_usd
        if exchange.error is not None:
            self._note_error(exchange, exchange.error)

    def _note_error(self, exchange: Exchange, error: str) -> None:
        if error == "BudgetSpent":
            client = exchange.client or ""
            if self._may_say("budget_spent", client):
                self._raise("budget_spent", {"client": client})
        elif error in ("AuthenticationFailed", "LimitReached") and exchange.client is None:
            now, keys = self._sight.now(), self._wrong_keys
            keys.append(now)
            if len(keys) == WRONG_KEYS and now - keys[0] <= WITHIN_S and self._may_say("key_refused", ""):
                _log.warning("%s: %s", RULES["key_refused"].code, RULES["key_refused"].title)
                self._raise("key_refused", {"times": WRONG_KEYS, "within_s": WITHIN_S})

    def _may_say(self, event: AlertEvent, of: str) -> bool:
        key: tuple[AlertEvent, str] = (event, of)
        now = self._sight.now()
        if now - self._said.get(key, -SAID_AGAIN_S) < SAID_AGAIN_S:
            return False
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[key] = now
        return True

    def _raise(self, event: AlertEvent, data: dict[str, Value]) -> None:
        alert = Alert(f"alert_{self._sight.new_id()}", event, self._sight.now(), data)
        self._raised.append(alert)
        for sender in self._senders:
            sender.put(alert)

    def _roll(self) -> None:
        day = int(self._sight.now() // DAY_S)
        if day != self._day:
            self._day, self._spent_usd = day, Decimal(0)

    @property
    def balance(self) -> Balance | None:
        if self._hosted is None or self._account is None:
            return None
        return Balance(self._hosted.name, self._account.amounts, self._level.low, self._seen_at)

    @property
    def posts(self) -> Posts:
        sent: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        for sender in self._senders:
            sent.update(sender.sent)
            lost.update(sender.lost)
        return Posts(dict(sent), dict(lost), sum(sender.waiting for sender in self._senders))

    def view(self) -> dict[str, Any]:
        """For `/-/status`."""
        self._roll()
        posts = self.posts
        return {
            "history": self._history.view(self._sight.now()),
            "balance": self._balance_view(),
            "spent_today_usd": f"{self._spent_usd:f}",
            "alerts": {
                "receivers": len(self._senders),
                "sent": sum(posts.sent.values()),
                "lost": sum(posts.lost.values()),
                "waiting": posts.waiting,
                "last": [{"at": one.at, "event": one.event, **one.data} for one in self._raised],
            },
        }

    def _balance_view(self) -> dict[str, Any] | None:
        if self._hosted is None:
            return None
        account = self._account
        return {
            "backend": self._hosted.name,
            "available": None if account is None else account.available,
            "amounts": {} if account is None else {name: f"{amount:f}" for name, amount in account.amounts.items()},
            "low": self._level.low,
            "low_balance": self._options.low_balance,
            "seen_at": None if account is None else self._seen_at,
            "error": self._balance_error,
        }
