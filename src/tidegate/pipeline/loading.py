"""How long to wait for a backend that is loading its model, and when to ask it again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

_FIRST_S = 0.25
_LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """`sleep` is the waiting itself, so that tests do not wait."""

    load_s: float = 600.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def pauses_s(self) -> Iterator[float]:
        """Growing pauses between two questions, which last `load_s` together: a small model is up in a second, and a
        large one is not kept busy with questions."""
        left_s, pause_s = self.load_s, _FIRST_S
        while left_s > 0:
            yield min(pause_s, left_s)
            left_s -= pause_s
            pause_s = min(pause_s * 2, _LONGEST_S)


PATIENCE = Patience()
