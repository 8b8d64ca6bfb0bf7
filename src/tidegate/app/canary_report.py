"""What a canary run found, path by path. Counts, names and rule codes only, never a planted value."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Line:
    """One path. `reached` are requests that a sink got, `arrived` values that it must not have got."""

    path: str
    requests: int = 0
    planted: int = 0
    reached: int = 0
    masked: int = 0
    arrived: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A value where it must not be: `where` is a backend or a place on this machine, `code` what should have kept it."""

    path: str
    where: str
    code: str
    kind: str


@dataclass(slots=True)
class Report:
    lines: dict[str, Line] = field(default_factory=dict[str, Line])
    arrivals: Counter[Arrival] = field(default_factory=Counter[Arrival])
    allowed: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """Row, kind and backend of what the policy lets out."""
    faults: Counter[str] = field(default_factory=Counter[str])
    """What was not as it should be although nothing arrived."""
    quoted: int = 0
    """Errors that repeat a model's name or a role to the client who sent it, in the hosted API's words."""
    notes: list[str] = field(default_factory=list[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    sinks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.arrivals and not self.faults

    def line(self, path: str) -> Line:
        return self.lines.setdefault(path, Line(path))

    def arrive(self, path: str, where: str, code: str, kind: str) -> None:
        self.line(path).arrived += 1
        self.arrivals[Arrival(path, where, code, kind)] += 1

    @property
    def requests(self) -> int:
        return self.statuses.total()

    @property
    def planted(self) -> int:
        return sum(line.planted for line in self.lines.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.clean,
            "requests": self.requests,
            "planted": self.planted,
            "arrived": self.arrivals.total(),
            "sinks": list(self.sinks),
            "paths": [asdict(line) for line in self.lines.values()],
            "arrivals": [asdict(one) | {"times": times} for one, times in self.arrivals.items()],
            "allowed": [
                {"row": row, "kind": kind, "backend": backend, "times": times}
                for (row, kind, backend), times in sorted(self.allowed.items())
            ],
            "faults": [{"what": what, "times": times} for what, times in self.faults.items()],
            "quoted_to_sender": self.quoted,
            "notes": self.notes,
            "statuses": {str(status): times for status, times in sorted(self.statuses.items())},
            "seconds": round(self.seconds, 2),
        }
