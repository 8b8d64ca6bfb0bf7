"""What each key has spent, by day and month, out of the rows of the ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.ledgers import CLOUD, booked, written

from tidegate.core.boundary import DataClass
from tidegate.ledger import spending
from tidegate.ledger.entries import Entry
from tidegate.ledger.spending import spent_by_key


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def charged(number: int, when: str, usd: str | None, key_id: str | None = "key_1", **more: Any) -> Entry:
    return booked(number, DataClass.PUBLIC, CLOUD, arrived_at=at(when), charged_usd=usd, key_id=key_id, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    rows = [
        charged(0, "2026-10-31T23:59:59.9", "100"),
        charged(1, "2026-11-01T00:00:00", "0.1"),
        charged(2, "2026-11-23T23:59:59.999", "0.2"),
        charged(3, "2026-11-24T00:00:00", "0.000000003"),
        charged(4, "2026-11-24T09:00:00", "0.000000001"),
        charged(5, "2026-11-24T09:00:00", None, cost_usd="7"),
        charged(6, "2026-11-24T09:00:00", "5", None),
        charged(7, "2026-11-24T09:00:00", "3", "key_2"),
    ]
    return written(tmp_path / "ledger.sqlite3", rows)


def test_each_key_has_what_was_charged_to_it_by_day_and_month_of_utc(ledger: Path) -> None:
    assert spent_by_key(ledger, at("2026-11-01T00:00:00")) == {
        "key_1": {
            "2026-11-01": Decimal("0.1"),
            "2026-11-23": Decimal("0.2"),
            "2026-11-24": Decimal("0.000000004"),
            "2026-11": Decimal("0.300000004"),
        },
        "key_2": {"2026-11-24": Decimal(3), "2026-11": Decimal(3)},
    }


def test_many_small_amounts_add_up_exactly(tmp_path: Path) -> None:
    rows = [charged(number, "2026-11-24T09:00:00", "0.000000003") for number in range(3000)]
    path = written(tmp_path / "ledger.sqlite3", rows)
    assert spent_by_key(path, 0.0)["key_1"]["2026-11"] == Decimal("0.000009")


def test_an_index_is_used(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {spending._SPENT}", (0.0,)).fetchall()
    assert "USING INDEX charged" in plan[0][-1]
