"""The line in front of the model: so many requests are answered at once, the others wait and are told so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from tidegate.simulator.clock import Clock

OnWait = Callable[[], Awaitable[None]]


class NotServed(Exception):
    """Nobody had time before the line was closed."""


class Line:
    """First come, first served. `slots` 0: nobody waits."""

    def __init__(self, clock: Clock, *, slots: int, keep_alive_s: float, close_after_s: float) -> None:
        self._clock = clock
        self._slots = slots
        self._keep_alive_s = keep_alive_s
        self._close_after_s = close_after_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def enter(self, on_wait: OnWait) -> None:
        """Returns with a slot taken, which `leave` gives back. `on_wait` is called at each keep-alive."""
        if not self._slots or self.taken < self._slots:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await self.pass_time(self._close_after_s, on_wait, until=turn)
        except BaseException:
            if turn.done():
                self.leave()
            else:
                self._waiting.remove(turn)
            raise
        if not turn.done():
            self._waiting.remove(turn)
            raise NotServed

    async def pass_time(self, seconds: float, on_wait: OnWait, *, until: asyncio.Future[None] | None = None) -> None:
        """Waits so long, or until the future is done, with a keep-alive at each interval."""
        left_s = seconds
        while left_s > 0:
            step_s = min(self._keep_alive_s, left_s)
            if await self._slept(step_s, until):
                return
            left_s -= step_s
            if left_s > 0:
                await on_wait()

    async def _slept(self, seconds: float, until: asyncio.Future[None] | None) -> bool:
        """Whether the future was done before the time was over."""
        if until is None:
            await self._clock.sleep(seconds)
            return False
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((sleeping, until), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
        return until.done()

    def leave(self) -> None:
        """The slot goes to who waits longest."""
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self.taken -= 1
