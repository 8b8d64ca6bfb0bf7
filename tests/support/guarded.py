"""The guard for tests that put a gateway together themselves: one attempt per candidate and no real pauses, unless asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tidegate.resilience.breaker import OwnBreakers
from tidegate.resilience.guard import Guard
from tidegate.resilience.retry import RetryPolicy


class Sleepless:
    """Sleeps without time, and keeps how long it would have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


ONCE = RetryPolicy(attempts=1, jitter=0.0, sleep=Sleepless())


def guard(registry: Any, retry: RetryPolicy = ONCE, now_s: Any = lambda: 0.0, **more: Any) -> Guard:
    return Guard(registry, breakers=OwnBreakers(now_s), retry=retry, **more)


def asks_again(sleep: Any, **more: Any) -> RetryPolicy:
    """The policy of the product with this sleep, and nothing left to chance."""
    return replace(RetryPolicy(), sleep=sleep, jitter=0.0, **more)


def used(guarded: Guard, backend: str) -> int:
    """How many requests are at work at this backend."""
    return sum(lane.used for lane in guarded.lanes.view() if lane.backend == backend)
