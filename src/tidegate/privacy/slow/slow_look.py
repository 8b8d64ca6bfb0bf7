"""The slow tiers behind one method: names and examples in texts, by worker processes, within a budget.

Stands beside the fast rules. Raises on any failure; what a request becomes then (private) is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.core.findings import Finding
from tidegate.privacy.slow.worker_child import Order
from tidegate.privacy.slow.workers import LookFailed, Pool

__all__ = ("LookFailed", "SlowLook")


class SlowLook:
    """`start` waits until the workers are ready, so that a model that cannot be loaded is an error of the start."""

    def __init__(
        self, order: Order, workers: int, *, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        self.order = order
        self._pool = Pool(order, workers, progress=progress)

    async def start(self) -> None:
        await self._pool.start()

    async def stop(self) -> None:
        await self._pool.stop()

    async def look(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]:
        """The findings text by text; `LookFailed` when they are not known for certain within the budget."""
        if not any(texts):
            return [() for _ in texts]
        return await self._pool.run(texts, budget_s)
