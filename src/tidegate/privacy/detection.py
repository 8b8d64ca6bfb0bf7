"""Looks at every text of a request that leaves, with all tiers of detection. Fails closed: what cannot be looked at is found.

The first tier (patterns and terms) runs for every request, the second (names, examples) only where the policy would
let it leave. A tier that fails or takes longer than its budget is a finding of its own, and the policy has no row for it.
Holds no text beyond the look itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tidegate.core.findings import NOTHING_SEEN, Finding, Sight
from tidegate.core.requests import Request
from tidegate.privacy.rules import FAILED, TOO_SLOW, UNSCANNABLE
from tidegate.privacy.texts.passages import passages, unscannable
from tidegate.privacy.texts.places import Passage, Place

_INLINE_CHARACTERS = 100_000
"""More than this is looked at in a thread, so that the others need not wait: below 1 ms."""


class Scans(Protocol):
    """The first tier: findings per text, in their order."""

    def scan_all(self, texts: Sequence[str]) -> Sequence[tuple[Finding, ...]]: ...


class LooksSlowly(Protocol):
    """The second and third tier: findings per text, in their order."""

    async def look(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]: ...


class Detection:
    """`timer` gives monotonic seconds."""

    def __init__(
        self,
        scanner: Scans | None,
        *,
        budget_s: float,
        timer: Callable[[], float],
        slow: LooksSlowly | None = None,
        slow_budget_s: float = 10.0,
    ) -> None:
        """Without a scanner nothing is looked at."""
        self._scanner = scanner
        self._budget_s = budget_s
        self._timer = timer
        self._slow = slow
        self._slow_budget_s = slow_budget_s

    @property
    def has_slow(self) -> bool:
        return self._slow is not None

    async def look(self, request: Request) -> Sight:
        """What the first tier finds."""
        scanner = self._scanner
        if scanner is None:
            return NOTHING_SEEN
        try:
            found = passages(request)
            if sum([len(passage.text) for passage in found]) <= _INLINE_CHARACTERS:
                began = self._timer()
                sight = _scan(scanner, request, found)
                return Sight(failed=TOO_SLOW) if self._timer() - began > self._budget_s else sight
            async with asyncio.timeout(self._budget_s):
                return await asyncio.to_thread(_scan, scanner, request, found)
        except TimeoutError:
            return Sight(failed=TOO_SLOW)
        except Exception:
            # Whatever it is: its text may hold what it looked at, so only that it failed is told.
            return Sight(failed=FAILED)

    async def look_slowly(self, request: Request, before: Sight) -> Sight:
        """What all tiers find: what was found before, and what the slow ones add."""
        if self._slow is None or before.failed:
            return before
        try:
            found = passages(request)
            texts = [passage.text for passage in found]
            seen = await self._slow.look(texts, self._slow_budget_s)
            pairs = [(passage.place, each) for passage, each in zip(found, seen, strict=True) if each]
        except TimeoutError:
            return Sight(failed=TOO_SLOW)
        except Exception:
            return Sight(failed=FAILED)
        return before.joined(pairs)


def _scan(scanner: Scans, request: Request, found: Sequence[Passage]) -> Sight:
    places: list[tuple[Place, tuple[Finding, ...]]] = []
    seen = scanner.scan_all([passage.text for passage in found])
    for passage, each in zip(found, seen, strict=True):
        if each:
            places.append((passage.place, each))
    for place in unscannable(request, found):
        places.append((place, (Finding(UNSCANNABLE, "unscannable", 0, 0),)))
    return Sight(tuple(places)) if places else NOTHING_SEEN
