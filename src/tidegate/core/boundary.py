"""Data classes of requests and boundaries of backends, and the one table that says which may meet.

The table stands here, below both walls that read it (routing's filter and the transport's check), so that they agree
on the meaning; each wall applies it with its own code.
"""

from __future__ import annotations

from enum import Enum


class DataClass(Enum):
    """How far a request's content may travel. Ordered: a class can be raised, never lowered."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PRIVATE = "private"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def raised_to(self, other: DataClass) -> DataClass:
        return other if other.rank > self.rank else self


class Boundary(Enum):
    """Where a backend stands: this machine, an allow-listed network, or anywhere else."""

    DEVICE = "device"
    PRIVATE = "private"
    EXTERNAL = "external"


_RANKS = {DataClass.PUBLIC: 0, DataClass.INTERNAL: 1, DataClass.PRIVATE: 2}

HIGHEST_CLASS: dict[Boundary, DataClass] = {
    Boundary.DEVICE: DataClass.PRIVATE,
    Boundary.PRIVATE: DataClass.PRIVATE,
    # An operator may let `internal` leave to a named provider; nothing lets `private` leave.
    Boundary.EXTERNAL: DataClass.INTERNAL,
}

DEFAULT_ACCEPTS: dict[Boundary, DataClass] = {
    Boundary.DEVICE: DataClass.PRIVATE,
    Boundary.PRIVATE: DataClass.PRIVATE,
    Boundary.EXTERNAL: DataClass.PUBLIC,
}
