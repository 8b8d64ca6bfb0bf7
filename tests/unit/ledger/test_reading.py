"""What others read of a ledger's file: one row, all since a time, who was asked, and which conversations are private."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.ledgers import BEGAN, CLOUD, HOME, booked, change, written

from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.ledger import reading
from tidegate.ledger.reading import (
    Seen,
    count_entries,
    each_entry,
    private_conversations,
    read_entry,
    read_salt,
    seen_backends,
    spent_since,
)
from tidegate.ledger.store import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def test_one_row_is_found_by_its_id(path):
    entry = booked(1, DataClass.PRIVATE, HOME, found="term:falcon:1")
    written(path, [booked(0), entry])
    assert read_entry(path, entry.exchange_id) == entry
    assert read_entry(path, "x-9") is None


def test_without_a_file_nothing_is_found_and_none_is_made(path):
    assert read_entry(path, "x-1") is None
    assert private_conversations(path, 0.0) == {}
    assert not path.exists()


def test_a_file_that_is_being_made_holds_nothing_yet(path):
    path.touch()
    assert read_entry(path, "x-1") is None
    assert private_conversations(path, 0.0) == {}


def test_all_rows_since_a_time_come_as_they_were_written(path):
    entries = [booked(3), booked(1), booked(2)]
    written(path, entries)
    assert list(each_entry(path)) == entries
    assert list(each_entry(path, BEGAN + 2)) == [entries[0], entries[2]]
    assert count_entries(path) == 3


def test_who_was_asked_for_what_is_told_the_most_frequent_first(path):
    written(path, [booked(0, DataClass.PUBLIC, CLOUD), booked(1), *(booked(n, DataClass.PUBLIC, HOME) for n in (2, 3))])
    assert seen_backends(path) == [Seen("box", "device", "m"), Seen("cloud", "external", "m")]


def test_the_private_conversations_since_a_time_are_found(path):
    written(
        path,
        [
            booked(number, DataClass(data_class), conversation=digests)
            for number, (data_class, digests) in enumerate(
                [("private", "aa,bb"), ("public", "cc"), ("private", "bb,dd"), ("private", ""), ("private", "ee")]
            )
        ],
    )
    assert list(private_conversations(path, 0.0)) == ["aa", "bb", "dd", "ee"]
    since = BEGAN + 2
    assert list(private_conversations(path, since)) == ["bb", "dd", "ee"]
    assert Ledger(path).private_conversations(since) == private_conversations(path, since)
    assert private_conversations(path, BEGAN + 9) == {}


def test_they_are_found_by_an_index(path):
    written(path, [])
    with closing(sqlite3.connect(path)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {reading._PRIVATE}", (0.0,)).fetchall()
    assert "private_conversations" in plan[0][-1]


def test_a_reader_can_change_nothing(path):
    written(path, [booked(0)])
    with pytest.raises(Misconfigured, match=r"cannot be read \(OperationalError\)"), reading.reading(path) as database:
        database.execute("DELETE FROM exchanges")
    assert count_entries(path) == 1


@pytest.mark.parametrize("version", [1, 4])
def test_a_ledger_of_another_version_is_refused_by_name(path, version):
    written(path, [])
    change(path, f"PRAGMA user_version = {version}")
    with pytest.raises(Misconfigured, match=f"of version {version} and this Tidegate reads version 3"):
        list(each_entry(path))


def test_a_ledger_that_is_not_there_is_named(path):
    with pytest.raises(Misconfigured, match=r"there is no ledger .*ledger\.sqlite3"):
        count_entries(path)


def test_a_key_that_is_gone_or_damaged_is_named(path):
    with pytest.raises(Misconfigured, match="is missing"):
        read_salt(path)
    path.with_suffix(".salt").write_bytes(b"short")
    with pytest.raises(Misconfigured, match="is damaged"):
        read_salt(path)


def test_what_was_spent_since_a_time_is_summed_exactly(path):
    assert spent_since(path, 0.0) == 0
    costs = ["0.00000012", None, "1.50"]
    written(path, [replace(booked(number), cost_usd=cost) for number, cost in enumerate(costs)])
    assert spent_since(path, 0.0) == Decimal("1.50000012")
    assert spent_since(path, BEGAN + 1) == Decimal("1.50")
    assert spent_since(path, BEGAN + 9) == 0
