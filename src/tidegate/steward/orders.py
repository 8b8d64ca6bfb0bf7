"""What the steward says to a worker about serving: what to begin with, a new configuration in two steps, and the end."""

from __future__ import annotations

from msgspec import Struct

BEGIN = "crew.begin"
"""Asked by a worker that has come up; answered with an `Order`."""
READY, FAILED = "crew.ready", "crew.failed"
"""Told by a worker: it serves, or why it cannot."""
PREPARE, COMMIT, ABANDON = "crew.prepare", "crew.commit", "crew.abandon"
"""A worker checks and builds a configuration, and puts it in force when all others can, too."""
DRAIN, CUT = "crew.drain", "crew.cut"
PING = "crew.ping"
VIEW = "crew.view"


class Order(Struct, frozen=True, array_like=True):
    """`config` is the configuration as msgpack; `generation` counts the configurations that were in force."""

    number: int
    config: bytes
    file: str | None
    model: str | None
    generation: int = 1


class Ready(Struct, frozen=True, array_like=True):
    """`lines` say what there is, for the terminal; the first worker's are shown."""

    lines: tuple[str, ...] = ()


class Prepared(Struct, frozen=True, array_like=True):
    """`waits`: options that changed and need a restart."""

    waits: tuple[str, ...] = ()


class WorkerView(Struct, frozen=True, array_like=True):
    """One worker as `tidegate status` shows it. `ends`: how often its process ended without being told to."""

    number: int
    state: str
    pid: int | None
    since: float
    ends: int
    last_end: str | None
