"""Sends alerts to one receiver, one after the other, with pauses that grow. Never in the way of requests.

A receiver that fails is said once in the log until it takes an alert again. What its URL holds behind the host may be a
secret, so only the host is said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tidegate.app.watch.alerts import Alert, headers
from tidegate.config.resilience import AlertEvent
from tidegate.core.errors import GatewayError
from tidegate.resilience.rules import ALERT_LOST

PAUSES_S = (5.0, 30.0, 300.0, 1800.0)
"""Between the attempts, of which there is one more. The specification's schedule, ended where an alert is no news any more."""
MOST_WAITING = 100
_GONE = 410

_log = logging.getLogger("tidegate.watch")

Headers = tuple[tuple[str, str], ...]
Post = Callable[[bytes, Headers], Awaitable[int]]
"""Sends a body and gives the status of the answer; raises a GatewayError where there is none."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """`url` tells it from others. `events` empty: all. `key` None: what is sent is not signed."""

    host: str
    url: str = field(repr=False)
    post: Post = field(repr=False, compare=False)
    events: frozenset[AlertEvent] = frozenset()
    key: bytes | None = field(default=None, repr=False)


class Sender:
    """`sleep` is the waiting itself and `now` unix seconds, so that tests do neither."""

    def __init__(
        self,
        receiver: Receiver,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.receiver = receiver
        self._now = now
        self._sleep = sleep
        self._waiting: deque[Alert] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._gone = False
        self.sent: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._under_way

    def put(self, alert: Alert) -> None:
        """Never waits. The oldest gives way where too many wait."""
        events = self.receiver.events
        if self._gone or (events and alert.event not in events):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._lose(self._waiting.popleft(), "too many wait for it")
        self._waiting.append(alert)
        self._idle.clear()
        self._arrived.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._send_all())

    def end(self) -> None:
        """What waits then is not sent any more."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        self.end()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def settled(self) -> None:
        """Returns when no alert waits."""
        await self._idle.wait()

    async def _send_all(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting and not self._gone:
                alert = self._waiting.popleft()
                self._under_way = 1
                await self._send(alert)
                self._under_way = 0
            self._idle.set()

    async def _send(self, alert: Alert) -> None:
        body, why = alert.body, ""
        for pause_s in (0.0, *PAUSES_S):
            if pause_s:
                await self._sleep(pause_s)
            failure = await self._try(alert, body)
            if failure is None:
                self.sent[alert.event] += 1
                self._failing = False
                return
            why = failure
            if self._gone:
                break
            if not self._failing:
                self._failing = True
                _log.warning("alerts: %s does not take them: %s; trying again", self.receiver.host, why)
        self._lose(alert, why)

    async def _try(self, alert: Alert, body: bytes) -> str | None:
        """None: it was taken; else why not."""
        try:
            status = await self.receiver.post(body, headers(alert, body, self._now(), self.receiver.key))
        except GatewayError as error:
            return type(error).__name__
        if status == _GONE:
            self._gone = True
            self._waiting.clear()
        return None if 200 <= status < 300 else f"HTTP {status}"

    def _lose(self, alert: Alert, why: str) -> None:
        self.lost[alert.event] += 1
        _log.warning("%s: alert %s for %s is lost: %s", ALERT_LOST.code, alert.event, self.receiver.host, why)
