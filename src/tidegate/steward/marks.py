"""What is known to be private, known to all workers: before a client can send the next turn of a conversation.

A worker that finds a conversation private tells the steward, which tells every other worker and answers when all have it.
Only then does anything of that request, or the piece of the answer by which it will be known, go on its way. A worker that
does not say within a time that it has it is ended: it must not decide on what it does not know.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.core.errors import GatewayError
from tidegate.steward.line import Answers, Hears, Line

MARK, KNOW, ALL = "marks.mark", "marks.know", "marks.all"
LIMIT_S = 10.0
_MOST_MARKS = 200_000


class Marks(Struct, frozen=True, array_like=True):
    """Keyed digests, and when they were seen in something private (unix seconds)."""

    marks: tuple[str, ...]
    seen_at: float


class MarkDesk:
    """The steward's half. `workers` are the lines of all that serve or begin to; `end` ends one that does not answer."""

    def __init__(
        self, workers: Callable[[], Iterable[Line]], end: Callable[[Line], None], limit_s: float = LIMIT_S
    ) -> None:
        self._workers = workers
        self._end = end
        self._limit_s = limit_s
        self._seen_at: OrderedDict[str, float] = OrderedDict()
        self.answers: Answers = {MARK: self._mark, ALL: self._all}
        self.hears: Hears = {}

    async def _mark(self, line: Line, _number: int, value: Any) -> None:
        told = msgspec.convert(value, Marks)
        for mark in told.marks:
            self._seen_at[mark] = max(told.seen_at, self._seen_at.get(mark, 0.0))
            self._seen_at.move_to_end(mark)
        while len(self._seen_at) > _MOST_MARKS:
            self._seen_at.popitem(last=False)
        others = [self._tell(other, told) for other in self._workers() if other is not line]
        if others:
            # Whoever asked may leave; the others hear of it all the same.
            await asyncio.shield(asyncio.gather(*others))

    async def _tell(self, other: Line, told: Marks) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await other.ask(KNOW, told)
        except (TimeoutError, GatewayError):
            if not other.ended.is_set():
                self._end(other)

    async def _all(self, _line: Line, _number: int, _value: Any) -> list[tuple[str, float]]:
        """For a worker that begins: the line hears of new ones already, so none is lost between."""
        return list(self._seen_at.items())


class SharedMarks:
    """The worker's half. `remember` puts marks where this worker looks."""

    def __init__(self, line: Line, remember: Callable[[Sequence[str], float], None]) -> None:
        self._line = line
        self._remember = remember
        self.answers: Answers = {KNOW: self._know}

    async def begin(self) -> None:
        """All that is known. Before this worker serves."""
        for mark, seen_at in await self._line.ask(ALL, kind=list[tuple[str, float]]):
            self._remember((mark,), seen_at)

    async def spread(self, marks: tuple[str, ...], seen_at: float) -> None:
        """Returns when all workers know; raises where that cannot be."""
        await self._line.ask(MARK, Marks(marks, seen_at))

    async def _know(self, _line: Line, _number: int, value: Any) -> None:
        told = msgspec.convert(value, Marks)
        self._remember(told.marks, told.seen_at)
