"""A change of the configuration while requests are under way: everything is checked and built first, then swapped in one step.

`prepare` may refuse and changes nothing; `commit` cannot fail. Requests that have begun end under the configuration that
they began with, with its policy, its backends and its connections; what only they used is stopped after the last of them.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tidegate.app import App
from tidegate.app.tls import Tls
from tidegate.config import Config, PrivacyOptions
from tidegate.core.errors import GatewayError, Misconfigured
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.surfaces.front import Front, Served

_FIXED = {"server": ("host", "port", "workers"), "ledger": ("path", "flush_interval_s"), "embedded": ()}
"""Options that need a restart; of [embedded] all do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that can be put in force. `waits`: options that changed and need a restart."""

    app: App
    waits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a new configuration comes from. Both may take long or wait for a network, and are called in threads.

    `read` gives what is written now, flags of the command line included; `slow_of` what looks for names and examples."""

    file: Path | None
    read: Callable[[], Config]
    slow_of: Callable[[PrivacyOptions], SlowLook | None]
    environment: Mapping[str, str]
    state_folder: Path


class Running:
    """The gateway from its start to its end, over all its configurations. `asgi` never changes."""

    def __init__(self, first: App, source: Source) -> None:
        """`first` has been started."""
        assert first.asgi is not None
        self.app = first
        self.asgi = Front(first.asgi, first.kept.drain)
        self._source = source
        self.tls = None if first.certificate is None else Tls(first.certificate)
        self._old: list[App] = []
        self._retiring: asyncio.Task[None] | None = None

    async def prepare(self) -> Prepared:
        """The parts of what is written now, ready to serve. Raises `Misconfigured` as a start would; nothing is changed."""
        now, source = self.app, self._source
        wanted = await asyncio.to_thread(source.read)
        # What a start would refuse is refused, in what needs one too.
        await asyncio.to_thread(check, wanted, source.environment, source.state_folder)
        config, waits = with_fixed(now.config, wanted)
        fresh = App(config, source.environment, source.state_folder, None, before=now, file=source.file)
        if _looks_alike(now.config.privacy, config.privacy):
            fresh.slow = now.slow
        else:
            fresh.slow = await asyncio.to_thread(source.slow_of, config.privacy)
        try:
            await fresh.make_ready(now)
        except BaseException as error:
            await fresh.retire(now)
            if isinstance(error, Exception) and not isinstance(error, GatewayError):
                raise Misconfigured(
                    f"the new configuration could not be put in force ({type(error).__name__})"
                ) from error
            raise
        return Prepared(fresh, waits)

    def commit(self, prepared: Prepared) -> None:
        """From now on every new request is answered under the new configuration."""
        before, fresh = self.app, prepared.app
        assert fresh.asgi is not None
        fresh.kept.adjust(fresh.config)
        fresh.kept.forget(_changed(before, fresh))
        served = self.asgi.take(fresh.asgi)
        self.app = fresh
        if self.tls is not None and fresh.certificate is not None:
            self.tls.take(fresh.certificate)
        before.registry.rest()
        self._old.append(before)
        self._retiring = asyncio.get_running_loop().create_task(self._retire(self._retiring, served, before, fresh))
        fresh.begin(before)

    async def abandon(self, prepared: Prepared) -> None:
        """It is not put in force after all."""
        await prepared.app.retire(self.app)

    async def reload(self) -> Prepared:
        prepared = await self.prepare()
        self.commit(prepared)
        return prepared

    async def _retire(self, earlier: asyncio.Task[None] | None, served: Served, before: App, heir: App) -> None:
        """In the order of their age: what an older one uses, a younger one may have taken over."""
        if earlier is not None:
            await earlier
        await served.over()
        await before.retire(heir)
        self._old.remove(before)
        kept, names = heir.kept, {backend.name for backend in self.app.registry.backends}
        for gone in {backend.name for backend in before.registry.backends} - names:
            kept.transport.forget(gone)
            kept.watcher.forget(gone)
            kept.lanes.forget(gone)
        del before, served
        # Its parts know each other, so only the collector ends them, and a gateway that serves keeps that one calm.
        gc.collect()

    async def settled(self) -> None:
        """Returns when nothing of an older configuration is left."""
        if self._retiring is not None:
            await self._retiring

    async def drain(self) -> None:
        """Nothing new is begun; returns when everything has ended, at the latest soon after the deadline."""
        await self.asgi.drain.drained(self.app.config.server.drain_s)

    async def stop(self) -> None:
        """After the last request: shadows, then what older configurations still hold, then all the rest and the ledger."""
        if self.asgi.drain.open:  # the server ended otherwise than by draining
            self.asgi.drain.cut_open()
            await self.drain()
        for old in self._old:
            await old.stop_shadows()
        if self._retiring is not None:
            with suppress(asyncio.CancelledError):
                await self._retiring
        await self.app.stop()


def check(config: Config, environment: Mapping[str, str], state_folder: Path) -> None:
    """Raises what a start with this configuration would raise before it began."""
    App(config, environment, state_folder, None).kept.keys.close()


def with_fixed(before: Config, wanted: Config) -> tuple[Config, tuple[str, ...]]:
    """What is wanted, but for the options that need a restart, and the names of those among them that changed."""
    config, waits = wanted, list[str]()
    for table, options in _FIXED.items():
        was, now = getattr(before, table), getattr(wanted, table)
        kept = {name: getattr(was, name) for name in options or was.__struct_fields__}
        waits += [f"[{table}] {name}" for name, value in kept.items() if getattr(now, name) != value]
        config = replace(config, **{table: replace(now, **kept)})
    if (before.server.tls_cert is None) is not (wanted.server.tls_cert is None):  # HTTP and HTTPS do not share a port
        waits.append("[server] tls_cert")
        server = replace(config.server, tls_cert=before.server.tls_cert, tls_key=before.server.tls_key)
        config = replace(config, server=server)
    return config, tuple(waits)


def _looks_alike(was: PrivacyOptions, now: PrivacyOptions) -> bool:
    return (was.names, was.examples, was.workers) == (now.names, now.examples, now.workers)


def _changed(before: App, fresh: App) -> list[str]:
    """Names behind which stands another backend than before, or none."""
    return [backend.name for backend in before.registry.backends if fresh.registry.find(backend.name) is not backend]
