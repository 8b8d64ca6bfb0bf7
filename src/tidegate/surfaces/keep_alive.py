"""A sign of life for a client that waits: sent whenever it has heard nothing for a while. Knows no format.

The hosted API does the same while a request waits for its turn (rate-limit reference, 2026-08-02). One timer lasts a
whole answer: it looks again instead of being set anew for every piece. A short answer has none: to set and cancel one
costs 4 us (uvloop, 2026-11-24).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tidegate.core.errors import ClientLeft
from tidegate.core.timers import Timer, Timers


class KeepAlive:
    """Runs inside its `with` block, from `begin` on; the silence counts from the block's beginning.

    Whoever sends something else calls `settled` before and `heard` after.
    """

    __slots__ = ("_get_timers", "_heard_s", "_interval_s", "_sending", "_sign", "_timer", "_timers")

    def __init__(self, interval_s: float, sign: Callable[[], Awaitable[None]], timers: Callable[[], Timers]) -> None:
        """`sign` sends one sign of life. An interval of 0: none is ever sent."""
        self._interval_s = interval_s
        self._sign = sign
        self._get_timers = timers
        self._timers: Timers | None = None
        self._timer: Timer | None = None
        self._heard_s = 0.0
        self._sending: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        if self._interval_s:
            self._timers = timers = self._get_timers()
            self._heard_s = timers.time()

    def begin(self) -> None:
        """This answer takes longer."""
        if self._timers is not None:
            left_s = self._heard_s + self._interval_s - self._timers.time()
            self._timer = self._timers.call_later(max(0.0, left_s), self._look)

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        self.stop()
        if self._sending is not None and kind is not None and issubclass(kind, (asyncio.CancelledError, ClientLeft)):
            self._sending.cancel()

    def heard(self) -> None:
        """The client has just been sent something."""
        if self._timers is not None:
            self._heard_s = self._timers.time()

    def stop(self) -> None:
        self._timers = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def settled(self) -> None:
        """Returns once no sign is being sent, so that two messages never overtake each other."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    def _look(self) -> None:
        timers = self._timers
        assert timers is not None
        left_s = self._heard_s + self._interval_s - timers.time()
        if left_s <= 0:
            if self._sending is None or self._sending.done():
                self._sending = asyncio.get_running_loop().create_task(self._sign())  # pyright: ignore[reportArgumentType]
            self._heard_s = timers.time()
            left_s = self._interval_s
        self._timer = timers.call_later(left_s, self._look)
