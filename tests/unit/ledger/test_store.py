"""The ledger's file: written by its own thread, found again, kept through a failing disk, and refused if it is none."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Exchange
from tidegate.core.usage import Usage
from tidegate.ledger import store
from tidegate.ledger.entries import Entry, entry_of
from tidegate.ledger.store import Ledger, read_entry

PATIENCE_S = 60.0


class Watched(Ledger):
    """A ledger that tells when a batch was written and when one was not, and does not wait long for a lock."""

    def __init__(self, path: Path, flush_interval_s: float = 0.001) -> None:
        super().__init__(path, flush_interval_s, self._note)
        self.batches: list[list[str]] = []
        self.wrote = threading.Event()
        self.failed = threading.Event()

    def _note(self, batch: Sequence[Entry]) -> None:
        self.batches.append([entry.exchange_id for entry in batch])
        self.wrote.set()

    def _connect(self) -> sqlite3.Connection:
        database = super()._connect()
        database.execute("PRAGMA busy_timeout = 1")
        return database

    def _write_batch(self, database: sqlite3.Connection) -> bool:
        written = super()._write_batch(database)
        if not written:
            self.failed.set()
        return written

    def fail_once_more_with_all_that_waits(self) -> None:
        """After two more failures, the later one surely began after everything that was recorded before this call."""
        for _ in range(2):
            self.failed.clear()
            assert self.failed.wait(PATIENCE_S)


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
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT exchange_id FROM exchanges ORDER BY exchange_id")]


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
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 3)
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


def test_without_a_file_nothing_is_found_and_none_is_made(path):
    assert read_entry(path, "x-1") is None
    assert not path.exists()


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
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(Misconfigured, match="version 2, made by a newer Tidegate"):
        opened()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match=r"\[ledger\] path"):
        Ledger(tmp_path / "file" / "ledger.sqlite3").open()


def test_batches_of_every_size_use_few_statements() -> None:
    entries = [entry(exchange_id=f"ex_{number}") for number in range(1000)]
    sizes: set[int] = set()
    for length in range(1000):
        pieces = list(store._in_powers_of_two(entries[:length]))
        assert [one for piece in pieces for one in piece] == entries[:length]
        sizes |= {len(piece) for piece in pieces}
    assert sizes == {1, 2, 4, 8, 16, 32, 64, 128}
