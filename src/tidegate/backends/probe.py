"""Finds runtimes that run on this machine's default ports, by fingerprint. Sends GETs without content, nothing else."""

from __future__ import annotations

import asyncio

from tidegate.backends.attestation import FOUND, Attestation, Standing, holds
from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend, fetch
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import Fingerprint, Runtime
from tidegate.core.boundary import DEFAULT_ACCEPTS, Boundary
from tidegate.core.errors import GatewayError
from tidegate.dialects import dialect_named

WATCH_LIMITS = Limits(connect_s=1.0, first_byte_s=1.0, idle_s=1.0)
"""A runtime that takes longer to list its models is not one to wait for at every start."""


class Probe:
    """Looks at the default port of each known runtime; ports that a configured backend already uses are left alone."""

    def __init__(
        self, transport: Transport, watcher: Transport, runtimes: tuple[Runtime, ...], taken_ports: frozenset[int]
    ) -> None:
        """`watcher` knocks with short time-outs; the backends that are found answer over `transport`."""
        self._transport = transport
        self._watcher = watcher
        self._runtimes = tuple(runtime for runtime in runtimes if runtime.port not in taken_ports)

    async def find(self) -> list[HttpBackend]:
        """A backend for each runtime that answers with its fingerprint, in catalogue order."""
        found = await asyncio.gather(*(self._look(runtime) for runtime in self._runtimes))
        return [backend for backend in found if backend is not None]

    async def _look(self, runtime: Runtime) -> HttpBackend | None:
        # Found with no more trust than it has proven: being on this machine is no proof (Ollama cloud models, LM Link).
        stranger = _endpoint(runtime, Boundary.EXTERNAL)
        for fingerprint in runtime.fingerprints:
            if not await self._shows(stranger, fingerprint):
                return None
        proven = runtime.attestation is not None and await self._shows(stranger, runtime.attestation)
        trusted = runtime.attested or proven
        dialect = dialect_named(runtime.dialect)
        if not trusted:
            note = f"counts as external: {runtime.why_not_attested}, see {FOUND.code}"
            return HttpBackend(
                self._transport,
                stranger,
                dialect,
                (),
                watcher=self._watcher,
                standing=Standing(unattested=True, note=note),
            )
        place = _endpoint(runtime, Boundary.DEVICE)
        shown = Attestation(runtime, place, dialect, found=True)
        return HttpBackend(self._transport, place, dialect, (), watcher=self._watcher, standing=Standing(shown))

    async def _shows(self, endpoint: Endpoint, fingerprint: Fingerprint) -> bool:
        try:
            return holds(fingerprint.proof, await fetch(self._watcher, endpoint, fingerprint.path))
        except GatewayError:
            return False


def _endpoint(runtime: Runtime, boundary: Boundary) -> Endpoint:
    return Endpoint(
        name=runtime.kind, boundary=boundary, accepts=DEFAULT_ACCEPTS[boundary], host="127.0.0.1", port=runtime.port
    )
