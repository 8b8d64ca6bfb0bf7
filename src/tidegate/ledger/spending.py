"""What each key has spent, out of the ledger's rows: the one truth from which budgets go on after a restart.

A row's charge is what was counted against the budget when it was over. Sums are whole numbers of a millionth of a
millionth of a dollar, so that adding up a month cannot drift.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tidegate.ledger import schema
from tidegate.ledger.reading import open_to_read

_PARTS = Decimal(10) ** 12
_SPENT = (
    "SELECT key_id, strftime('%Y-%m-%d', arrived_at, 'unixepoch'), "
    "SUM(CAST(ROUND(CAST(charged_usd AS REAL) * 1e12) AS INTEGER)) FROM exchanges "
    "WHERE charged_usd IS NOT NULL AND key_id IS NOT NULL AND arrived_at >= ? GROUP BY 1, 2"
)


def spent_by_key(path: Path, since: float) -> dict[str, dict[str, Decimal]]:
    """By key, what was spent in each day (2026-11-24) and each month (2026-11) of UTC since then (unix seconds). Blocking.

    Nothing where there is no ledger yet, or one of an earlier version, which did not say."""
    found: dict[str, dict[str, Decimal]] = {}
    if not path.exists():
        return found
    database = open_to_read(path)
    try:
        rows = database.execute(_SPENT, (since,)) if schema.version_of(database) == schema.VERSION else ()
        for key_id, day, parts in rows:
            spent = found.setdefault(key_id, {})
            for period in (day, day[:7]):
                spent[period] = spent.get(period, Decimal(0)) + parts / _PARTS
    finally:
        database.close()
    return found


def spent_this_month(path: Path, now: float) -> dict[str, dict[str, Decimal]]:
    """Since the month of UTC began in which `now` lies."""
    at = datetime.fromtimestamp(now, UTC)
    return spent_by_key(path, datetime(at.year, at.month, 1, tzinfo=UTC).timestamp())
