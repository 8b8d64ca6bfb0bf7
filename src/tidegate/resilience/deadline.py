"""The time that a request has until its answer begins: over queue, pauses and all attempts.

One timer for all requests, because nearly all are answered long before: to enter and to leave costs 0.4 us, a timer of
its own for each 1.9 us, `asyncio.timeout` 4.7 us (uvloop 0.22, CPython 3.11, 2026-11-24). Part of the guard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tidegate.core.errors import BackendTimedOut
from tidegate.core.exchange import Exchange
from tidegate.core.timers import Timer, Timers
from tidegate.resilience.rules import DEADLINE

T = TypeVar("T")


class Deadlines:
    def __init__(self, deadline_s: float, timers: Callable[[], Timers] = asyncio.get_running_loop) -> None:
        self._deadline_s = deadline_s
        self._timers = timers
        self._timer: Timer | None = None
        self._open: dict[asyncio.Task[Any], Exchange] = {}
        self._late: set[asyncio.Task[Any]] = set()

    def left_s(self, exchange: Exchange) -> float:
        return self._deadline_s - (exchange.elapsed_s() - exchange.since_s)

    def is_over(self) -> bool:
        """Whether the time of the request in this task is over, and it is being stopped for that."""
        return bool(self._late) and asyncio.current_task() in self._late

    async def keep(self, exchange: Exchange, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives. At its deadline, counted from `since_s`, it is cancelled: `BackendTimedOut`."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = exchange
        if self._timer is None:
            self._timer = self._timers().call_later(self._deadline_s, self._look)
        try:
            return await work
        except asyncio.CancelledError:
            # Cancelled by someone else as well (the client left): then that counts.
            if task in self._late and not task.uncancel():
                raise BackendTimedOut(
                    f"no backend began to answer within {self._deadline_s:g} s, see {DEADLINE.code}; raise "
                    "`[retry] deadline_s`, or try again later"
                ) from None
            raise
        finally:
            del self._open[task]
            self._late.discard(task)

    def _look(self) -> None:
        """Stop those whose time is over, and look again when the next one's is."""
        self._timer = None
        next_s = self._deadline_s
        for task, exchange in self._open.items():
            left_s = self.left_s(exchange)
            if left_s > 0:
                next_s = min(next_s, left_s)
            elif task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._open:
            self._timer = self._timers().call_later(next_s, self._look)
