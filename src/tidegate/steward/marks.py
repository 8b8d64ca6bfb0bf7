"""What is known to be private, known to all workers: before a client can send the next turn of a conversation.

A worker that finds a conversation private tells the steward, which tells every other worker and answers when all have it.
Only then does anything of that request, or the piece of the answer by which it will be known, go on its way. A worker that
does not say within a time that it has it is ended: it must not decide on what it does not know.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.core.errors import GatewayError
from tidegate.steward.link import Answers, Hears, Link

MARK, KNOW, ALL = "marks.mark", "marks.know", "marks.all"
LIMIT_S = 10.0
_MOST_MARKS = 200_000


class Marks(Struct, frozen=True, array_like=True):
    """Keyed digests, and when they were seen in something private (unix seconds)."""

    marks: tuple[str, ...]
    seen_at: float


class MarkDesk:
    """The steward's half. `end_worker` ends one that does not answer."""

    def __init__(self, end_worker: Callable[[Link], None], limit_s: float = LIMIT_S) -> None:
        self._told: list[Link] = []
        """Of the workers that know all marks so far."""
        self._end_worker = end_worker
        self._limit_s = limit_s
        self._seen_at: OrderedDict[str, float] = OrderedDict()
        self.answers: Answers = {MARK: self._mark, ALL: self._all}
        self.hears: Hears = {}

    async def _mark(self, link: Link, _number: int, value: Any) -> None:
        told = msgspec.convert(value, Marks)
        for mark in told.marks:
            self._seen_at[mark] = max(told.seen_at, self._seen_at.get(mark, 0.0))
            self._seen_at.move_to_end(mark)
        while len(self._seen_at) > _MOST_MARKS:
            self._seen_at.popitem(last=False)
        others = [self._tell(other, told) for other in self._told if other is not link]
        if others:
            # Whoever asked may leave; the others hear of it all the same.
            await asyncio.shield(asyncio.gather(*others))

    async def _tell(self, other: Link, told: Marks) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await other.ask(KNOW, told)
        except (TimeoutError, GatewayError):
            if not other.ended.is_set():
                self._end_worker(other)

    def end(self, link: Link) -> None:
        if link in self._told:
            self._told.remove(link)

    async def _all(self, link: Link, _number: int, _value: Any) -> list[tuple[str, float]]:
        """For a worker that begins. From now on it is told of new ones, so none is lost between."""
        self._told.append(link)
        return list(self._seen_at.items())


class SharedMarks:
    """The worker's half. `remember` puts marks where this worker looks."""

    def __init__(self, link: Link, remember: Callable[[Sequence[str], float], None]) -> None:
        self._link = link
        self._remember = remember
        self.answers: Answers = {KNOW: self._know}

    async def begin(self) -> None:
        """All that is known. Before this worker serves."""
        for mark, seen_at in await self._link.ask(ALL, kind=list[tuple[str, float]]):
            self._remember((mark,), seen_at)

    async def spread(self, marks: tuple[str, ...], seen_at: float) -> None:
        """Returns when all workers know; raises where that cannot be."""
        await self._link.ask(MARK, Marks(marks, seen_at))

    async def _know(self, _link: Link, _number: int, value: Any) -> None:
        told = msgspec.convert(value, Marks)
        self._remember(told.marks, told.seen_at)
