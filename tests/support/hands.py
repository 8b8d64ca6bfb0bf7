"""A clock that a test turns by hand, where the event loop's own would make it wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    at_s: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Hands:
    """Stands still until it is turned; then calls what has become due, in its order."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.calls: list[Call] = []

    def __call__(self) -> Hands:
        """It also stands for the question which event loop runs."""
        return self

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Call:
        call = Call(self.now_s + delay, callback)
        self.calls.append(call)
        return call

    @property
    def due(self) -> list[Call]:
        """What is still to come."""
        return [call for call in self.calls if not call.cancelled]

    def turn(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while coming := [call for call in self.due if call.at_s <= end_s]:
            call = min(coming, key=lambda one: one.at_s)
            self.calls.remove(call)
            self.now_s = max(self.now_s, call.at_s)
            call.callback()
        self.now_s = end_s

    async def turned(self, seconds: float) -> None:
        """Turned, and whoever was called has done what it could."""
        self.turn(seconds)
        await breath()


async def breath(turns: int = 20) -> None:
    """Lets every task go on as far as it comes without the world outside."""
    for _ in range(turns):
        await asyncio.sleep(0)
