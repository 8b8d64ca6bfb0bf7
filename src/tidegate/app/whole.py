"""What is shown of several processes, made of what each of them shows: counts are added, the rest is said once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any


def merged(own: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The status of one worker with the counts of all. What is of all already, such as slots, stays as it is."""
    shown = dict(own)
    for table in ("ledger", "content"):
        if table in own:
            shown[table] = _summed([own[table], *(one[table] for one in others if table in one)])
    legacy = [one["legacy_names"]["seen"] for one in (own, *others)]
    shown |= _watched([own, *others])
    shown["legacy_names"] = own["legacy_names"] | {"seen": _summed(legacy)}
    return shown


def _watched(all_of: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The history of all, and of balance and alerts what the first worker has."""
    found: dict[str, Any] = {}
    if any("alerts" in one for one in all_of):
        found["balance"] = next((one["balance"] for one in all_of if one.get("balance") is not None), None)
        alerts = [one["alerts"] for one in all_of if "alerts" in one]
        found["alerts"] = _summed([{name: value for name, value in one.items() if name != "last"} for one in alerts])
        found["alerts"]["last"] = sorted((each for one in alerts for each in one["last"]), key=lambda each: each["at"])
        spent = sum((Decimal(one["spent_today_usd"]) for one in all_of if "spent_today_usd" in one), Decimal(0))
        found["spent_today_usd"] = f"{spent:f}"
        found["history"] = _history([one["history"] for one in all_of if "history" in one])
    return found


def _history(histories: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Health and changes as this worker saw them; requests are added, their times weighed by how many there were."""
    own, *others = histories
    backends: dict[str, Any] = {}
    for name, seen in own["backends"].items():
        same = [one["backends"][name] for one in others if name in one["backends"]]
        backends[name] = seen | {
            what: [_added(at) for at in zip(seen[what], *(one[what] for one in same), strict=True)]
            for what in ("asked", "failed")
        }
        firsts = zip(*(one["first_frame_s"] for one in (seen, *same)), strict=True)
        weights = zip(*(one["asked"] for one in (seen, *same)), strict=True)
        backends[name]["first_frame_s"] = [
            _mean(list(zip(*at, strict=True))) for at in zip(firsts, weights, strict=True)
        ]
    return own | {"backends": backends}


def _added(values: Sequence[int | None]) -> int | None:
    return None if all(one is None for one in values) else sum(one or 0 for one in values)


def _mean(weighed: Sequence[tuple[float | None, int | None]]) -> float | None:
    known = [(value, weight or 1) for value, weight in weighed if value is not None]
    total = sum(weight for _, weight in known)
    return round(sum(value * weight for value, weight in known) / total, 4) if known else None


def _summed(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Numbers are added; of anything else the first that says something."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in counts for name in one):
        values = [one[name] for one in counts if one.get(name) is not None]
        found[name] = (
            sum(values) if values and all(isinstance(value, int) for value in values) else next(iter(values), None)
        )
    return found
