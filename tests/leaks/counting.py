"""What happened in a run, so that one that proves nothing is seen; and a ledger that sees what no client hears of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.ledger.entries import Entry
from tidegate.ledger.store import Ledger
from tidegate.resilience.rules import CONTINUED
from tidegate.routing.rules import STICKY


@dataclass
class Counts:
    """What happened, so that a run that proves nothing is seen."""

    examples: int = 0
    requests: int = 0
    private: int = 0
    refused_policies: int = 0
    reached: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    classes: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    masked: int = 0
    continued: int = 0
    """Answers that broke off and were gone on with."""
    walls: list[str] = field(default_factory=list)
    """Status 500 from another wall than the one that stands behind what is broken: or something crashed."""
    leaks: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        for name in ("examples", "requests", "private", "refused_policies", "masked", "continued"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("reached", "statuses", "classes", "kinds"):
            getattr(self, name).update(getattr(other, name))
        self.leaks += other.leaks
        self.walls += other.walls


class WatchedLedger(Ledger):
    """Sees what becomes of shadows, of which no client hears."""

    def __init__(self, path: Path, counts: Counts) -> None:
        super().__init__(path, flush_interval_s=0.02)
        self.counts = counts

    def record(self, entry: Entry) -> None:
        super().record(entry)
        self.counts.continued += CONTINUED.code in entry.rules
        # A later turn may have made the conversation private before the shadow of this one began (CLS006).
        if entry.shadow_of and entry.error in ("PolicyRefusal", "BoundaryBreach") and STICKY.code not in entry.rules:
            self.counts.walls.append(f"a shadow was stopped: {entry.error} {entry.rules}")

    def written_to_its_end(self) -> None:
        self.close()
        self._closing.clear()
        self.open()
