"""Simulated time: runs `scale` times as fast as ours, can be set, and everything that waits waits on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta


class Clock:
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
        self._origin = at.astimezone(UTC)
        self._since_s = self._monotonic()

    @property
    def scale(self) -> float:
        return self._scale

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=(self._monotonic() - self._since_s) * self._scale)

    def now_s(self) -> float:
        """Unix seconds."""
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        """Who sleeps already is not woken by it."""
        self._set(at)

    def advance(self, seconds: float) -> None:
        self._set(self.now() + timedelta(seconds=seconds))

    async def sleep(self, seconds: float) -> None:
        """Simulated seconds."""
        await self._sleep(seconds / self._scale)
