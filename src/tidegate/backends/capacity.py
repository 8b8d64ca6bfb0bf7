"""What a backend can take now: its slots, and which models it has in memory. Learned while it is looked at, kept here.

What the configuration says comes before what the server tells, and that before what the runtime is known for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.backends.base import Room
from tidegate.backends.connection import Limits
from tidegate.core.errors import GatewayError
from tidegate.dialects.base import Dialect

QUEUE_PLACES = 64


class Capacity:
    def __init__(
        self,
        backend: str,
        dialect: Dialect,
        limits: Limits,
        *,
        slots: int | None = None,
        queue: int = QUEUE_PLACES,
        paced: bool = True,
        published: tuple[tuple[str, int], ...] = (),
    ) -> None:
        """`slots` is the configured number; None: not configured. `published` are limits per model that are documented."""
        options = f"`slots` or `queue` in [backends.{backend}]"
        self.room = Room(backend, slots or dialect.slots, queue, options, paced, published)
        self._is_configured = slots is not None
        self._dialect = dialect
        self._load_s = limits.load_s
        self._loaded: frozenset[str] | None = None

    def first_byte_s(self, model: str) -> float | None:
        """The limit for the first byte if this model may have to be loaded first; None: it need not be."""
        told = self._dialect.tells_loaded
        if told is None or (self._loaded is not None and told.listed_as(model) in self._loaded):
            return None
        return self._load_s

    async def refresh(self, ask: Callable[[str], Awaitable[bytes]]) -> None:
        """Ask what the server tells. Where it does not, what it said last is no longer known."""
        if (loaded := self._dialect.tells_loaded) is not None:
            try:
                self._loaded = loaded.read(await ask(loaded.path))
            except GatewayError:
                self._loaded = None
        if (counted := self._dialect.tells_slots) is not None and not self._is_configured:
            try:
                total = counted.read(await ask(counted.path))
            except GatewayError:
                return  # a cap that was told once is better than none
            if total is not None and total != self.room.slots:
                self.room = self.room._replace(slots=total)
