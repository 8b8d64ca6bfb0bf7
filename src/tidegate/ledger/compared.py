"""What was decided then beside what would be decided now, exchange by exchange. Pure; knows rows and decisions, no policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tidegate.core.boundary import Boundary
from tidegate.core.decision import Decision
from tidegate.ledger.entries import Entry, sends_of, verdicts_of

Fate = Literal["home", "left", "left masked", "refused"]
Kind = Literal[
    "unchanged",
    "would leave now",
    "could leave now",
    "would be masked now",
    "would stay home now",
    "refused now",
    "allowed now",
    "cannot say",
]
LEAVING: tuple[Kind, ...] = ("would leave now", "could leave now")
"""What to look at before the new policy is used."""

_REFUSALS = ("PolicyRefusal", "NotSupported")
_UNKNOWN = ("unknown_model", "unknown_backend", "model_not_served")
_MOST_EXAMPLES = 3


class Change(NamedTuple):
    """`then` and `now` are fates, or what kept one from being told."""

    kind: Kind
    then: str
    now: str


class Unknown(NamedTuple):
    """Why nothing can be said of one exchange."""

    reason: str


@dataclass(slots=True)
class Comparison:
    """How often each change came, with the ids of the first few."""

    counts: dict[Change, int] = field(default_factory=dict[Change, int])
    examples: dict[Change, list[str]] = field(default_factory=dict[Change, list[str]])

    def add(self, change: Change, exchange_id: str) -> None:
        self.counts[change] = self.counts.get(change, 0) + 1
        examples = self.examples.setdefault(change, [])
        if len(examples) < _MOST_EXAMPLES:
            examples.append(exchange_id)

    def count(self, *kinds: Kind) -> int:
        return sum(times for change, times in self.counts.items() if change.kind in kinds)


def fate_then(entry: Entry) -> Fate | Unknown:
    """Where it really went, at the farthest."""
    sends = sends_of(entry)
    if sends is None:
        return Unknown("booked before version 2 of the ledger")
    if entry.shadow_of is not None:
        return Unknown("the shadow of another")
    if entry.data_class is None:
        return Unknown("refused before anything was decided")
    outside = [send for send in sends if send.boundary is Boundary.EXTERNAL]
    if outside:
        return "left masked" if all(send.masked for send in outside) else "left"
    if sends:
        return "home"
    return "refused" if entry.error in _REFUSALS else Unknown("never sent, for another reason than the policy")


def fate_now(decision: Decision, boundaries: Mapping[str, Boundary]) -> Fate | Unknown:
    """Where it would go if the first candidate answers."""
    if decision.refusal in _UNKNOWN:
        return Unknown("the model is not known there")
    if not decision.candidates:
        return "refused"
    first = decision.candidates[0]
    if boundaries[first.backend] is Boundary.EXTERNAL:
        return "left masked" if first.masked else "left"
    return "home"


def compare(entry: Entry, decision: Decision | Unknown, boundaries: Mapping[str, Boundary]) -> Change:
    then = fate_then(entry)
    if isinstance(then, Unknown):
        return Change("cannot say", then.reason, "-")
    now = decision if isinstance(decision, Unknown) else fate_now(decision, boundaries)
    if isinstance(now, Unknown) or isinstance(decision, Unknown):
        return Change("cannot say", then, now.reason if isinstance(now, Unknown) else "-")
    if then == now == "home" and _opened(entry, decision, boundaries):
        return Change("could leave now", then, "home, or outside if that fails")
    return Change(_kind(then, now), then, now)


def _kind(then: Fate, now: Fate) -> Kind:
    match then, now:
        case _ if then == now:
            return "unchanged"
        case _, "refused":
            return "refused now"
        case "left", "left masked":
            return "would be masked now"
        case _, "left" | "left masked":
            return "would leave now"
        case "refused", _:
            return "allowed now"
        case _:
            return "would stay home now"


def _opened(entry: Entry, decision: Decision, boundaries: Mapping[str, Boundary]) -> bool:
    """Whether a place outside that was closed to it then may be asked now, once those before it fail."""
    kept = kept_then(entry)
    return any(
        boundaries[candidate.backend] is Boundary.EXTERNAL and candidate.backend not in kept
        for candidate in decision.candidates
    )


def kept_then(entry: Entry) -> set[str]:
    return {backend for backend, _, kept in verdicts_of(entry) if kept}


def dropped_then(entry: Entry, *codes: str) -> set[str]:
    """Backends that were not asked for one of these rules."""
    return {backend for backend, code, kept in verdicts_of(entry) if not kept and code in codes}
