"""A sign of life for a client that waits: sent whenever it has heard nothing for a while. Knows no format.

The hosted API does the same while a request waits for its turn (rate-limit reference, 2026-08-02). One timer lasts a
whole answer: it looks again instead of being set anew for every piece. A short answer never has one: to make it, set
its timer and cancel that costs 5 us (uvloop, 2026-11-24).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tidegate.core.timers import Timer, Timers


class KeepAlive:
    """Gives signs from its beginning until `stop`. Whoever sends something else awaits `settled` before it if it
    `is_sending`, and calls `heard` after it."""

    __slots__ = ("_heard_s", "_interval_s", "_sending", "_sign", "_timer", "_timers")

    def __init__(self, interval_s: float, sign: Callable[[], Awaitable[None]], timers: Timers) -> None:
        """`sign` sends one sign of life."""
        self._interval_s = interval_s
        self._sign = sign
        self._timers = timers
        self._heard_s = timers.time()
        self._sending: asyncio.Future[None] | None = None
        self._timer: Timer | None = timers.call_later(interval_s, self._look)

    def heard(self) -> None:
        """The client has just been sent something."""
        self._heard_s = self._timers.time()

    @property
    def is_sending(self) -> bool:
        return self._sending is not None

    async def settled(self) -> None:
        """Returns once no sign is being sent, so that two messages never overtake each other."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    def stop(self) -> None:
        """No further sign; one may still be on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def abandon(self) -> None:
        """Nobody listens any more."""
        self.stop()
        if self._sending is not None:
            self._sending.cancel()

    def _look(self) -> None:
        left_s = self._heard_s + self._interval_s - self._timers.time()
        if left_s <= 0:
            if self._sending is None or self._sending.done():
                self._sending = asyncio.ensure_future(self._sign())
            self._heard_s = self._timers.time()
            left_s = self._interval_s
        self._timer = self._timers.call_later(left_s, self._look)
