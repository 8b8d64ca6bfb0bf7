"""Simulated time: runs `scale` times as fast as ours, can be set, and everything that waits waits on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_SLEEP_S = 10 * 366 * 86_400.0


class Clock:
    """Between `EARLIEST` and `LATEST`, where all sums with times hold; it stands still at its end."""

    def __init__(
        self,
        at: datetime,
        scale: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scale = scale
        self._monotonic = monotonic
        self._sleep = sleep
        self._set(at)

    def _set(self, at: datetime) -> None:
        if not EARLIEST <= at < LATEST:
            raise ValueError(at)
        self._origin = at.astimezone(UTC)
        self._since_s = self._monotonic()

    @property
    def scale(self) -> float:
        return self._scale

    def now(self) -> datetime:
        left_s = (LATEST - self._origin).total_seconds()
        return self._origin + timedelta(seconds=min(left_s, (self._monotonic() - self._since_s) * self._scale))

    def now_s(self) -> float:
        """Unix seconds."""
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        """Who sleeps already is not woken by it."""
        self._set(at)

    def advance(self, seconds: float) -> None:
        """Raises a ValueError for a time that the clock does not have."""
        try:
            self._set(self.now() + timedelta(seconds=seconds))
        except OverflowError:
            raise ValueError(seconds) from None

    async def sleep(self, seconds: float) -> None:
        """Simulated seconds."""
        await self._sleep(min(seconds / self._scale, _LONGEST_SLEEP_S))
