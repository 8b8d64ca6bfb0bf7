"""Tables and versions: a file of an earlier version is brought up to date, whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.ledgers import CLOUD, ask, booked, change, written

from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.ledger import schema
from tidegate.ledger.chain import Head, Sealer
from tidegate.ledger.entries import COLUMNS, NEW_IN_VERSION_2, NEW_IN_VERSION_3
from tidegate.ledger.proof import prove
from tidegate.ledger.reading import private_conversations, read_entry
from tidegate.ledger.store import Ledger

VERSION_1 = Path(__file__).parent / "version_1"
"""Three rows, written by the code of version 1 on 2026-11-24."""
VERSION_2 = Path(__file__).parent / "version_2"
"""Four rows of several kinds, written by the code of version 2 on 2026-11-24."""
HEAD_2 = "f27e1301ecc7e3fea48e75d631f803d549027e2419703826dd0ed7202956b117"
"""What `tidegate prove --head` of version 2 said of it."""
IDS = [f"ex_{number:032x}" for number in range(3)]


def copied(version: Path, folder: Path) -> Path:
    for file in version.iterdir():
        shutil.copy(file, folder)
    return folder / "ledger.sqlite3"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return copied(VERSION_1, tmp_path)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return copied(VERSION_2, tmp_path)


def test_the_rows_of_version_1_are_kept_sealed_and_written_on(old):
    before = ask(old, "SELECT * FROM exchanges ORDER BY exchange_id")
    written(old, [booked(3)])
    first = COLUMNS[: COLUMNS.index(NEW_IN_VERSION_2[0])]
    assert ask(old, f"SELECT {', '.join(first)} FROM exchanges ORDER BY seq")[:3] == before
    assert ask(old, "SELECT seq FROM exchanges ORDER BY seq") == [(1,), (2,), (3,), (4,)]
    assert ask(old, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") == [("chain",), ("exchanges",)]
    assert ask(old, "PRAGMA user_version") == [(3,)]
    assert prove(old).whole


def test_what_version_1_did_not_keep_is_unknown_and_not_empty(old):
    written(old, [])
    entry = read_entry(old, IDS[1])
    assert entry is not None
    assert (entry.client, entry.data_class, entry.streamed) == ("app", "private", True)
    assert {getattr(entry, name) for name in (*NEW_IN_VERSION_2, *NEW_IN_VERSION_3)} == {None}


def test_an_old_row_that_is_changed_after_the_step_is_found(old):
    written(old, [])
    change(old, "UPDATE exchanges SET boundary = 'device' WHERE seq = 1")
    assert [(fault.code, fault.seq) for fault in prove(old).faults] == [("LED002", 1)]


def test_more_rows_than_one_statement_takes_are_all_taken_over(old, monkeypatch):
    monkeypatch.setattr(schema, "ROWS_AT_ONCE", 2)
    written(old, [])
    assert [row[0] for row in ask(old, "SELECT exchange_id FROM exchanges ORDER BY seq")] == IDS


def test_a_step_that_fails_leaves_the_old_file_as_it_was(old, monkeypatch):
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(schema, "put", fail)
    with pytest.raises(Misconfigured, match="disk is full"):
        Ledger(old).open()
    assert ask(old, "PRAGMA user_version") == [(1,)]
    assert len(ask(old, "SELECT * FROM exchanges")[0]) == COLUMNS.index(NEW_IN_VERSION_2[0])
    monkeypatch.undo()
    written(old, [])
    assert prove(old).rows == 3


def test_one_row_is_read_before_the_step_too(old):
    before = read_entry(old, IDS[1])
    assert private_conversations(old, 0.0) == {}
    written(old, [])
    assert before is not None
    assert read_entry(old, IDS[1]) == before


def test_the_chain_is_there_only_after_the_step(old):
    with pytest.raises(Misconfigured, match=r"version 1 .* reads version 3; a gateway brings an older one up to date"):
        prove(old)


def test_a_file_of_this_version_is_left_alone(tmp_path):
    path = written(tmp_path / "ledger.sqlite3", [booked(0, DataClass.PUBLIC, CLOUD)])
    before = ask(path, "SELECT * FROM chain")
    written(path, [])
    assert ask(path, "SELECT * FROM chain") == before


def test_batches_of_every_size_use_few_statements() -> None:
    rows = [str(number) for number in range(1000)]
    sizes: set[int] = set()
    for length in range(1000):
        pieces = list(schema.in_powers_of_two(rows[:length]))
        assert [one for piece in pieces for one in piece] == rows[:length]
        sizes |= {len(piece) for piece in pieces}
    assert sizes == {1, 2, 4, 8, 16, 32, 64, 128}


def test_rows_that_were_pruned_leave_a_checkpoint_from_which_the_chain_goes_on(tmp_path):
    path = written(tmp_path / "ledger.sqlite3", [booked(number) for number in range(4)])
    sealer = Sealer(path.with_suffix(".salt").read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        head, _ = schema.read_head(database) or (Head(), b"")
        (seal,) = database.execute("SELECT seal FROM exchanges WHERE seq = 2").fetchone()
        database.execute("DELETE FROM exchanges WHERE seq <= 2")
        schema.write_head(database, sealer, head._replace(checkpoint_seq=2, checkpoint_seal=seal))
    written(path, [booked(4)])
    proof = prove(path, expected=seal)
    assert (proof.faults, proof.rows, proof.head_seq) == ([], 3, 5)
    change(path, "DELETE FROM exchanges WHERE seq = 3")
    assert [fault.code for fault in prove(path).faults] == ["LED001"]


def test_a_chain_of_version_2_has_the_same_verdict_and_head_before_and_after_the_step(sealed):
    before = prove(sealed)
    assert ask(sealed, "PRAGMA user_version") == [(2,)], "to look changes nothing"
    written(sealed, [])
    after = prove(sealed)
    assert ask(sealed, "PRAGMA user_version") == [(3,)]
    assert before.whole and before.head is not None and before.head.hex() == HEAD_2
    assert (after.whole, after.rows, after.head, after.tallies) == (True, 4, before.head, before.tallies)
    assert after.departures == before.departures


def test_a_chain_of_version_2_that_was_broken_stays_broken_at_the_same_place(sealed):
    change(sealed, "UPDATE exchanges SET status = 201 WHERE seq = 2")
    change(sealed, "DELETE FROM exchanges WHERE seq = 4")
    before = [(fault.code, fault.seq) for fault in prove(sealed).faults]
    written(sealed, [])
    assert before == [("LED002", 2), ("LED005", 4)] == [(fault.code, fault.seq) for fault in prove(sealed).faults]


def test_the_rows_of_version_2_are_kept_and_written_on(sealed):
    before = ask(sealed, "SELECT * FROM exchanges ORDER BY seq")
    single = read_entry(sealed, IDS[1])
    written(sealed, [booked(4, DataClass.PUBLIC, CLOUD, key_id="key_1", charged_usd="0.25")])
    proof = prove(sealed, expected=bytes.fromhex(HEAD_2))
    assert (proof.faults, proof.rows) == ([], 5)
    assert [row[: len(before[0])] for row in ask(sealed, "SELECT * FROM exchanges ORDER BY seq")[:4]] == before
    assert single is not None and read_entry(sealed, IDS[1]) == single
    newest = read_entry(sealed, f"ex_{4:032x}")
    assert newest is not None and (newest.key_id, newest.charged_usd, newest.queued_s) == ("key_1", "0.25", 0.0)


@pytest.mark.parametrize("column", NEW_IN_VERSION_3)
def test_an_old_row_that_is_given_what_it_never_had_is_found(sealed, column):
    written(sealed, [])
    change(sealed, f"UPDATE exchanges SET {column} = 1 WHERE seq = 3")
    assert [(fault.code, fault.seq) for fault in prove(sealed).faults] == [("LED002", 3)]
