"""The backends that exist now: configured ones, the embedded engine, and runtimes found on this machine.

Keeps them fresh in the background; hands routing a snapshot in the order of preference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from tidegate.backends.base import Backend
from tidegate.backends.http import HttpBackend
from tidegate.backends.probe import Probe
from tidegate.core.decision import Snapshot


class Registry:
    """Order: configured as written, found runtimes, the hosted default, the embedded demo model last."""

    def __init__(
        self,
        configured: Sequence[Backend],
        last: Sequence[Backend] = (),
        *,
        probe: Probe | None = None,
        interval_s: float = 15.0,
        learn: Callable[[HttpBackend], Awaitable[None]] | None = None,
        found: Sequence[Backend] = (),
    ) -> None:
        """`learn` finds out what a backend can do, beside the traffic; it never raises for what a backend does. `found` are
        runtimes that are known from before."""
        self._configured = tuple(configured)
        self._last = tuple(last)
        names_taken = {backend.name for backend in (*configured, *last)}
        self._found = {backend.name: backend for backend in found if backend.name not in names_taken}
        self._probe = probe
        self._interval_s = interval_s
        self._snapshot = Snapshot(())
        self._watch: asyncio.Task[None] | None = None
        self._learn = learn
        self._learning: asyncio.Task[None] | None = None
        self.on_found_again: Callable[[str], None] = lambda _name: None
        """Told the name of a backend that was away and answers a look again."""

    @property
    def found(self) -> tuple[Backend, ...]:
        return tuple(self._found.values())

    @property
    def backends(self) -> tuple[Backend, ...]:
        return (*self._configured, *self._found.values(), *self._last)

    def snapshot(self) -> Snapshot:
        """The same object as long as nothing changed."""
        views = tuple([backend.view for backend in self.backends])
        if views != self._snapshot.backends:
            self._snapshot = Snapshot(views)
        return self._snapshot

    def find(self, name: str) -> Backend | None:
        for backend in self.backends:  # once for each attempt: a generator would cost twice as much
            if backend.name == name:
                return backend
        return None

    async def start(self) -> None:
        """One look at everything, then keep looking in the background."""
        await self.look()
        self.watch()

    def watch(self) -> None:
        """Keep looking in the background."""
        self._begin_to_learn()
        self._watch = asyncio.create_task(self._keep_fresh())

    def rest(self) -> None:
        """Look no more; what is known stays."""
        for task in (self._watch, self._learning):
            if task is not None:
                task.cancel()

    async def stop(self) -> None:
        self.rest()
        for task in (self._watch, self._learning):
            if task is not None:
                with suppress(asyncio.CancelledError):
                    await task

    async def look(self) -> None:
        """At everything, once."""
        if self._probe is not None:
            self._take_in(await self._probe.find())
        await asyncio.gather(*map(self._look_at, self.backends))

    async def refresh(self) -> None:
        await self.look()
        self._begin_to_learn()

    def _begin_to_learn(self) -> None:
        if self._learn is not None and (self._learning is None or self._learning.done()):
            self._learning = asyncio.create_task(self._learn_all(self._learn))

    async def _look_at(self, backend: Backend) -> None:
        was_away = backend.view.health == "down"
        await backend.refresh()
        if was_away and backend.view.health == "up":
            self.on_found_again(backend.name)

    async def _learn_all(self, learn: Callable[[HttpBackend], Awaitable[None]]) -> None:
        """One after the other: they may share a machine."""
        for backend in self.backends:
            if isinstance(backend, HttpBackend):
                await learn(backend)

    async def learned(self) -> None:
        """Waits until what is being learned now is known."""
        if self._learning is not None:
            await asyncio.wait((self._learning,))

    def _take_in(self, found: list[HttpBackend]) -> None:
        """A runtime seen before keeps its backend (and its connections), unless what it may be trusted with has changed;
        one that is gone is forgotten."""
        names_taken = {backend.name for backend in (*self._configured, *self._last)}
        self._found = {backend.name: self._known(backend) for backend in found if backend.name not in names_taken}

    def _known(self, found: Backend) -> Backend:
        before = self._found.get(found.name)
        return found if before is None or before.view.boundary is not found.view.boundary else before

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.refresh()
