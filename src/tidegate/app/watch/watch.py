"""The watch itself: looks at backends and breakers, polls the balance, hears of finished exchanges, raises alerts.

Nothing of it is in the way of a request: what it does for one takes microseconds, the rest is two tasks of its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tidegate.app.watch.alerts import RULES, Alert, Value
from tidegate.app.watch.balance import Account, Level, read_balance
from tidegate.app.watch.history import History, Turned
from tidegate.app.watch.sending import Receiver, Sender
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
    """What is watched under one configuration."""

    options: WatchOptions
    snapshot: Callable[[], Snapshot]
    breakers: Callable[[], Sequence[BreakerView]]
    receivers: Sequence[Receiver]
    hosted: Hosted | None


def _new_id() -> str:
    return secrets.token_hex(16)


class Watch:
    """One for the life of the process. `now` is unix seconds; `sleep` is the waiting itself."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._new_id = new_id
        self._sight: Sight | None = None
        self._senders: list[Sender] = []
        self._history = History(WatchOptions().history_s)
        self._level = Level(WatchOptions().low_balance)
        self._account: Account | None = None
        self._seen_at = 0.0
        self._balance_error: str | None = None
        self._raised: deque[Alert] = deque(maxlen=_LAST_ALERTS)
        self._said: dict[tuple[AlertEvent, str], float] = {}
        self._wrong_keys: deque[float] = deque(maxlen=WRONG_KEYS)
        self._day = int(now() // DAY_S)
        self._spent_usd = Decimal(0)
        self._tasks: list[asyncio.Task[None]] = []
        self.pass_on: Callable[[AlertEvent, str, dict[str, Value]], None] | None = None
        """Where another process raises the alerts: it hears what this one saw of keys. Backends it sees for itself."""

    def begin(self, sight: Sight) -> None:
        """Watch this from now on; what was seen before stays, and a receiver that stays keeps what waits for it."""
        self._end_tasks()
        if self._hosted is not None and (sight.hosted is None or sight.hosted.name != self._hosted.name):
            self._account = self._balance_error = None
        self._sight = sight
        if sight.options.history_s != self._history.reach_s:
            self._history = History(sight.options.history_s)
        self._level.adjust(sight.options.low_balance)
        self._take_receivers(sight.receivers)
        self._tasks = [asyncio.create_task(self._again_and_again(self.look, LOOK_S))]
        if self._hosted is not None:
            interval_s = sight.options.balance_interval_s
            self._tasks.append(asyncio.create_task(self._again_and_again(self.poll_balance, interval_s)))

    def count_from(self, spent_today_usd: Decimal) -> None:
        """What was spent today before the start."""
        self._spent_usd += spent_today_usd

    @property
    def _hosted(self) -> Hosted | None:
        sight = self._sight
        return sight.hosted if sight is not None and sight.options.balance_interval_s else None

    def _take_receivers(self, receivers: Sequence[Receiver]) -> None:
        before, self._senders = self._senders, []
        for receiver in receivers:
            sender = next((one for one in before if one.receiver == receiver), None)
            if sender is None:
                sender = Sender(receiver, self._now, self._sleep)
                sender.start()
            else:
                before.remove(sender)
            self._senders.append(sender)
        for sender in before:
            sender.end()

    def _end_tasks(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def stop(self) -> None:
        for task in self._end_tasks():
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
            await self._sleep(every_s)

    async def look(self) -> None:
        """How the backends are now."""
        sight = self._sight
        if sight is not None:
            for turned in self._history.look(sight.snapshot().backends, sight.breakers(), self._now()):
                self._say_turned(turned)

    def _say_turned(self, turned: Turned) -> None:
        if self.pass_on is not None:
            return
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
        sight, hosted = self._sight, self._hosted
        if sight is None or hosted is None:
            return
        name = hosted.name
        try:
            account = read_balance(await hosted.fetch("/user/balance"))
        except GatewayError as error:
            if self._balance_error is None:
                _log.warning("the balance behind backend %s cannot be read: %s", name, type(error).__name__)
            self._balance_error = type(error).__name__
            return
        self._account, self._seen_at, self._balance_error = account, self._now(), None
        crossing = self._level.take(account)
        if crossing is None:
            return
        amounts = ", ".join(f"{amount:f} {currency}" for currency, amount in account.amounts.items()) or "nothing"
        _log.warning("%s: %s: %s at backend %s", RULES[crossing].code, RULES[crossing].title, amounts, name)
        told: dict[str, Value] = {
            f"balance_{currency.lower()}": f"{one:f}" for currency, one in account.amounts.items()
        }
        limit = f"{sight.options.low_balance:g}"
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
            self.raise_once("budget_spent", client, {"client": client})
        elif error in ("AuthenticationFailed", "LimitReached") and exchange.client is None:
            now, keys = self._now(), self._wrong_keys
            keys.append(now)
            if len(keys) == WRONG_KEYS and now - keys[0] <= WITHIN_S:
                self.raise_once("key_refused", "", {"times": WRONG_KEYS, "within_s": WITHIN_S})

    def raise_once(self, event: AlertEvent, of: str, data: dict[str, Value]) -> None:
        """Of one key in an hour. Also called with what other processes have seen."""
        if not self._may_say(event, of):
            return
        if self.pass_on is not None:
            self.pass_on(event, of, data)
            return
        if event == "key_refused":
            _log.warning("%s: %s", RULES[event].code, RULES[event].title)
        self._raise(event, data)

    def _may_say(self, event: AlertEvent, of: str) -> bool:
        key: tuple[AlertEvent, str] = (event, of)
        now = self._now()
        if now - self._said.get(key, -SAID_AGAIN_S) < SAID_AGAIN_S:
            return False
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[key] = now
        return True

    def _raise(self, event: AlertEvent, data: dict[str, Value]) -> None:
        alert = Alert(f"alert_{self._new_id()}", event, self._now(), data)
        self._raised.append(alert)
        for sender in self._senders:
            sender.put(alert)

    def _roll(self) -> None:
        day = int(self._now() // DAY_S)
        if day != self._day:
            self._day, self._spent_usd = day, Decimal(0)

    @property
    def balance(self) -> Balance | None:
        hosted = self._hosted
        if hosted is None or self._account is None:
            return None
        return Balance(hosted.name, self._account.amounts, self._level.low, self._seen_at)

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
            "history": self._history.view(self._now()),
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
        sight, hosted, account = self._sight, self._hosted, self._account
        if sight is None or hosted is None:
            return None
        return {
            "backend": hosted.name,
            "available": None if account is None else account.available,
            "amounts": {} if account is None else {name: f"{amount:f}" for name, amount in account.amounts.items()},
            "low": self._level.low,
            "low_balance": sight.options.low_balance,
            "seen_at": None if account is None else self._seen_at,
            "error": self._balance_error,
        }
