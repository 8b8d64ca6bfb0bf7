"""What was measured, kept in one file over restarts: by backend, kind and model, for one version of the server.

A file that cannot be read is as none: everything is measured again. What is kept holds no content.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tidegate.core.profile import Fact, Traits


class Measured(Struct, frozen=True, gc=False):
    """Facts that a probe found. `traits` are what the server told of itself then; `shown` those that its answers showed."""

    backend: str
    kind: str
    model: str
    traits: Traits
    facts: tuple[Fact, ...]
    shown: dict[str, bool] = {}


class ProfileStore:
    """Without a path nothing outlives the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: dict[tuple[str, str, str], Measured] = {}
        self._fresh: set[tuple[str, str, str]] = set()
        """What another process has just found out: that holds without a version too."""
        self.on_kept: Callable[[Measured], None] | None = None
        """Tells other processes."""
        if path is not None:
            with suppress(OSError, msgspec.MsgspecError):
                for one in msgspec.json.decode(path.read_bytes(), type=list[Measured]):
                    self._kept[one.backend, one.kind, one.model] = one

    def find(self, backend: str, kind: str, model: str, traits: Traits) -> Measured | None:
        """What is kept for the very same traits. A server that does not tell its version is measured at each start."""
        key = (backend, kind, model)
        kept = self._kept.get(key)
        holds = traits.version is not None or key in self._fresh
        return kept if kept is not None and holds and kept.traits == traits else None

    def take(self, measured: Measured) -> None:
        """What another process has measured, and written."""
        key = (measured.backend, measured.kind, measured.model)
        self._kept[key] = measured
        self._fresh.add(key)

    def forget(self, backend: str) -> None:
        """Another server may come up in its place: only what a version says again holds for that."""
        self._fresh = {key for key in self._fresh if key[0] != backend}

    def keep(self, measured: Measured) -> None:
        """Writes the whole file beside itself and puts it in place, so that a crash leaves one or the other."""
        self._kept[measured.backend, measured.kind, measured.model] = measured
        if self.on_kept is not None:
            self.on_kept(measured)
        if self._path is None:
            return
        with suppress(OSError):  # a full disk costs a measurement, not an answer
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(list(self._kept.values())))
            fresh.replace(self._path)
