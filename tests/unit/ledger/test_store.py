"""The ledger's file: written by its own thread, found again, kept through a failing disk, and refused if it is none."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.ledgers import PATIENCE_S, Watched, ask, change

from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Exchange
from tidegate.core.usage import Usage
from tidegate.ledger import schema, store
from tidegate.ledger.chain import Head
from tidegate.ledger.entries import Entry, entry_of
from tidegate.ledger.proof import prove
from tidegate.ledger.reading import read_entry
from tidegate.ledger.store import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., Watched]]:
    ledgers: list[Watched] = []

    def open_ledger(**options: float) -> Watched:
        ledgers.append(Watched(path, **options))
        ledgers[-1].open()
        return ledgers[-1]

    yield open_ledger
    for ledger in ledgers:
        ledger.close()


def entry(exchange_id: str = "x-1", prompt: int | None = 20) -> Entry:
    exchange = Exchange(exchange_id, "openai", 1_790_000_000.25, streamed=True)
    exchange.status, exchange.usage = 200, Usage(prompt=prompt, cache_hit=0)
    return entry_of(exchange)


def stored_ids(path: Path) -> list[str]:
    return [row[0] for row in ask(path, "SELECT exchange_id FROM exchanges ORDER BY exchange_id")]


def test_what_is_recorded_is_written_by_the_thread(opened, path):
    ledger = opened()
    ledger.record(entry())
    assert ledger.wrote.wait(PATIENCE_S)
    assert stored_ids(path) == ["x-1"]
    assert (ledger.written, ledger.waiting, ledger.error) == (1, 0, None)


def test_closing_writes_what_still_waits(opened, path):
    ledger = opened(flush_interval_s=PATIENCE_S)
    for number in range(5):
        ledger.record(entry(f"x-{number}"))
    ledger.close()
    assert stored_ids(path) == [f"x-{number}" for number in range(5)]


def test_more_rows_than_one_statement_takes_are_all_written(opened, path, monkeypatch):
    monkeypatch.setattr(schema, "ROWS_AT_ONCE", 3)
    ledger = opened(flush_interval_s=PATIENCE_S)
    for number in range(7):
        ledger.record(entry(f"x-{number}"))
    ledger.close()
    assert stored_ids(path) == [f"x-{number}" for number in range(7)]
    assert ledger.written == 7


def test_closing_twice_or_without_opening_does_no_harm(opened, path):
    ledger = opened()
    ledger.close()
    ledger.close()
    Ledger(path).close()


def test_an_exchange_is_found_before_it_is_written(opened, path):
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry())
    assert read_entry(path, "x-1") is None
    assert ledger.find("x-1") == entry()


def test_an_exchange_is_found_in_the_file_by_the_next_gateway(opened, path):
    ledger = opened()
    ledger.record(entry())
    ledger.close()
    assert opened().find("x-1") == entry() == read_entry(path, "x-1")


def test_an_exchange_nobody_recorded_is_not_found(opened, path):
    assert opened().find("x-9") is None
    assert read_entry(path, "x-9") is None


def test_what_is_forgotten_in_memory_is_still_in_the_file(opened, monkeypatch):
    monkeypatch.setattr(store, "_REMEMBERED", 1)
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry("x-1"))
    ledger.record(entry("x-2"))
    ledger.close()
    assert [ledger.find("x-1"), ledger.find("x-2")] == [entry("x-1"), entry("x-2")]


def test_an_exchange_is_booked_once_even_if_it_is_recorded_twice(opened, path):
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry(prompt=20))
    ledger.record(entry(prompt=99))
    ledger.close()
    opened().record(entry(prompt=77))
    assert stored_ids(path) == ["x-1"]
    found = read_entry(path, "x-1")
    assert found is not None
    assert found.prompt_tokens == 20


def test_rows_wait_for_a_locked_file_and_are_written_once_it_is_free(opened, path):
    ledger = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.record(entry("x-1"))
        assert ledger.failed.wait(PATIENCE_S)
        assert ledger.waiting == 1
        assert "locked" in (ledger.error or "")
        ledger.record(entry("x-2"))
        assert ledger.batches == []
        other.execute("ROLLBACK")
    ledger.close()
    assert stored_ids(path) == ["x-1", "x-2"]
    assert (ledger.written, ledger.waiting, ledger.error) == (2, 0, None)
    assert sorted(one for batch in ledger.batches for one in batch) == ["x-1", "x-2"]


def test_closing_over_a_locked_file_gives_up_and_says_so(opened, path, caplog):
    ledger = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.record(entry())
        ledger.close()
        other.execute("ROLLBACK")
    assert "1 exchanges could not be written" in caplog.text
    assert ledger.waiting == 1


def test_while_the_file_cannot_be_written_only_so_many_rows_wait(opened, path, monkeypatch):
    monkeypatch.setattr(store, "_MOST_WAITING", 2)
    ledger = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.record(entry("x-1"))
        ledger.record(entry("x-2"))
        ledger.fail_once_more_with_all_that_waits()
        ledger.record(entry("x-3"))
        assert (ledger.waiting, ledger.dropped) == (2, 1)
        other.execute("ROLLBACK")


def test_a_count_too_large_for_the_file_does_not_stop_the_writer(opened, path):
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry("x-1", prompt=2**64 - 1))
    ledger.record(entry("x-2"))
    ledger.close()
    assert "x-2" in stored_ids(path)


def test_the_file_and_the_salt_are_for_their_owner_only(opened, path):
    opened()
    for one in (path, path.with_suffix(".salt")):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_the_salt_is_made_once_and_stays(opened, path):
    first, second = opened(), opened()
    assert len(first.salt) == 32
    assert first.salt == second.salt == path.with_suffix(".salt").read_bytes()


def test_two_ledgers_have_two_salts(tmp_path):
    salts: set[bytes] = set()
    for name in ("a", "b"):
        ledger = Ledger(tmp_path / name / "ledger.sqlite3")
        ledger.open()
        ledger.close()
        salts.add(ledger.salt)
    assert len(salts) == 2


def test_an_open_ledger_never_hashes_without_a_key(opened, path):
    path.parent.mkdir()
    path.with_suffix(".salt").write_bytes(b"")
    with pytest.raises(Misconfigured, match="salt"):
        opened()


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(opened, path):
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, and far longer than a header" * 20)
    with pytest.raises(Misconfigured, match=r"cannot be used \(DatabaseError.*\[ledger\] path"):
        opened()
    assert path.read_bytes().startswith(b"this is not a database")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_entry(path, "x-1")


def test_a_ledger_of_a_newer_version_is_refused(opened, path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 4")
    with pytest.raises(Misconfigured, match="version 4, made by a newer Tidegate"):
        opened()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match=r"\[ledger\] path"):
        Ledger(tmp_path / "file" / "ledger.sqlite3").open()


# -- the chain ---------------------------------------------------------------------------------------------------------


def places(path: Path) -> list[tuple[int, str]]:
    return ask(path, "SELECT seq, exchange_id FROM exchanges ORDER BY seq")


def faults(path: Path) -> list[str]:
    return [fault.code for fault in prove(path).faults]


def test_rows_are_counted_in_the_order_of_writing_over_restarts(opened, path):
    for name in ("b", "a", "c"):
        ledger = opened()
        ledger.record(entry(f"x-{name}"))
        ledger.close()
    assert places(path) == [(1, "x-b"), (2, "x-a"), (3, "x-c")]
    assert prove(path).whole


def test_a_batch_that_was_rolled_back_is_sealed_anew(opened, path):
    ledger, second = opened(), opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger.record(entry("x-1"))
        assert ledger.failed.wait(PATIENCE_S)
        other.execute("ROLLBACK")
    second.record(entry("x-2"))
    second.close()
    ledger.close()
    assert sorted(one for _, one in places(path)) == ["x-1", "x-2"]
    assert prove(path).whole


def test_two_that_write_at_the_same_time_write_one_chain(path):
    """Each with a connection of its own, as two processes have."""
    ledgers = [Ledger(path, 0.0001), Ledger(path, 0.0001)]
    for ledger in ledgers:
        ledger.open()
    for number in range(400):
        ledgers[number % 2].record(entry(f"x-{number}"))
    for ledger in ledgers:
        ledger.close()
    assert [seq for seq, _ in places(path)] == list(range(1, 401))
    assert prove(path).whole


def test_what_is_booked_already_takes_no_place_in_the_chain(opened, path):
    ledger = opened(flush_interval_s=PATIENCE_S)
    for name in ("x-1", "x-1", "x-2"):
        ledger.record(entry(name))
    ledger.close()
    again = opened(flush_interval_s=PATIENCE_S)
    for name in ("x-2", "x-3", "x-1"):
        again.record(entry(name))
    again.close()
    assert places(path) == [(1, "x-1"), (2, "x-2"), (3, "x-3")]
    assert (ledger.written, again.written, again.dropped) == (2, 1, 2)
    assert prove(path).whole


@pytest.mark.parametrize("bad", [{"prompt_tokens": 2**64}, {"client": "\ud800"}, {"arrived_at": float("nan")}])
def test_what_no_file_can_hold_takes_no_place_in_the_chain(opened, path, bad):
    ledger = opened(flush_interval_s=PATIENCE_S)
    for one in (entry("x-1"), replace(entry("x-2"), **bad), entry("x-3")):
        ledger.record(one)
    ledger.close()
    assert places(path) == [(1, "x-1"), (2, "x-3")]
    assert (ledger.written, ledger.dropped, ledger.waiting) == (2, 1, 0)
    assert prove(path).whole


def test_odd_numbers_are_sealed_as_the_file_gives_them_back(opened, path):
    ledger = opened()
    ledger.record(replace(entry(), first_frame_s=float("nan"), duration_s=-0.0, arrived_at=3))
    ledger.record(replace(entry("x-2"), first_frame_s=float("inf"), duration_s=1e-320))
    ledger.close()
    assert prove(path).whole


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM chain",
        "UPDATE chain SET seq = 1, seal = (SELECT seal FROM exchanges WHERE seq = 1)",
        "UPDATE chain SET mark = NULL",
    ],
)
def test_a_head_that_somebody_changed_is_not_mended_by_writing_on(opened, path, statement):
    """Or else rows could be cut off, the head set to what is left, and the gateway would give it its mark."""
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry("x-1"))
    ledger.record(entry("x-2"))
    ledger.close()
    change(path, statement)
    change(path, "DELETE FROM exchanges WHERE seq = 2")
    again = opened()
    again.record(entry("x-3"))
    again.record(entry("x-4"))
    again.close()
    assert places(path) == [(1, "x-1"), (2, "x-3"), (3, "x-4")]
    assert faults(path) == ["LED008"]


def test_nobody_else_writes_between_reading_the_head_and_writing_rows(opened, path, monkeypatch):
    refused: list[str] = []

    def look(database: sqlite3.Connection, *more: Any) -> Head:
        head = head_to_extend(database, *more)
        with closing(sqlite3.connect(path, timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                refused.append(str(error))
        return head

    head_to_extend = schema.head_to_extend
    monkeypatch.setattr(schema, "head_to_extend", look)
    ledger = opened(flush_interval_s=PATIENCE_S)
    ledger.record(entry())
    ledger.close()
    assert refused == ["database is locked"]


def test_a_head_put_back_while_the_gateway_runs_is_not_joined(opened, path):
    ledger = opened()
    ledger.record(entry("x-1"))
    assert ledger.wrote.wait(PATIENCE_S)
    with closing(sqlite3.connect(path)) as database:
        before = database.execute("SELECT * FROM chain").fetchone()
        ledger.wrote.clear()
        ledger.record(entry("x-2"))
        assert ledger.wrote.wait(PATIENCE_S)
        with database:
            database.execute("DELETE FROM exchanges WHERE seq = 2")
            database.execute("REPLACE INTO chain VALUES (?, ?, ?, ?, ?, ?)", before)
    ledger.record(entry("x-3"))
    ledger.close()
    assert places(path) == [(1, "x-1"), (3, "x-3")]
    assert faults(path) == ["LED001", "LED008"]


@pytest.mark.parametrize("place", [2, 2**53, 2**63 - 1])
def test_a_row_that_somebody_else_put_at_the_end_does_not_stop_the_writer(opened, path, place):
    ledger = opened()
    ledger.record(entry("x-1"))
    ledger.close()
    change(
        path, f"INSERT INTO exchanges (seq, exchange_id, arrived_at, status) VALUES ({place}, 'x-foreign', 0.0, 200)"
    )
    again = opened()
    again.record(entry("x-2"))
    again.close()
    assert read_entry(path, "x-2") == entry("x-2")
    assert faults(path)[-1:] == ["LED004"]
