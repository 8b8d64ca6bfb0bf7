"""The law of the chain: whatever one thing is done to a written ledger without its key, the proof finds it.

Edited is every column of both tables, to a value of any type; removed, exchanged and inserted is any row.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.support.ledgers import CLOUD, HOME, LAB, MASKED, booked, written

from tidegate.core.boundary import DataClass
from tidegate.ledger.entries import COLUMNS, NEW_IN_VERSION_3
from tidegate.ledger.proof import prove

ROWS = 12
CELLS = ("seq", *COLUMNS, "seal")
HEAD_CELLS = ("seq", "seal", "checkpoint_seq", "checkpoint_seal", "mark")
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.binary(max_size=40),
)
PLACES = st.integers(1, ROWS)
LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
Edit = Callable[[sqlite3.Connection], Any]


def _more(number: int) -> dict[str, Any]:
    """Every way in which the columns of version 3 can end: with all values, with the first ones, and with none."""
    values = {"queued_s": 0.5, "continued": "RES020", "charged_usd": "0.25", "key_id": "key_1"}
    kept = number % (len(values) + 1)
    client = "app" if number % 3 else None
    return {"client": client, **{name: value if at < kept else None for at, (name, value) in enumerate(values.items())}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with rows of all kinds, its log written back into the file so that it can be copied."""
    sends = ([HOME], [LAB, HOME], [CLOUD], [HOME, MASKED], [])
    rows = [
        booked(number, DataClass.INTERNAL, *sends[number % 5], found="SEN001:2", **_more(number))
        for number in range(ROWS)
    ]
    path = written(tmp_path_factory.mktemp("whole") / "ledger.sqlite3", rows)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    assert prove(path).whole
    return path


def found_after(whole: Path, edit: Edit) -> list[str] | None:
    """The codes of what is found after this edit; None: the file has not taken it, or nothing is other than before."""
    with TemporaryDirectory() as folder:
        path = Path(shutil.copy(whole, folder))
        shutil.copy(whole.with_suffix(".salt"), folder)
        with closing(sqlite3.connect(path)) as database:
            before = list(database.iterdump())
            try:
                with database:
                    edit(database)
            except (sqlite3.IntegrityError, sqlite3.DataError):
                return None  # a place or an id that is taken, a place that is no number
            if list(database.iterdump()) == before:
                return None
        return [fault.code for fault in prove(path).faults]


@pytest.mark.parametrize("column", CELLS)
@settings(LAW, max_examples=25)
@given(place=PLACES, value=VALUES)
def test_an_edit_of_any_column_of_any_row_is_found(whole: Path, column: str, place: int, value: Any) -> None:
    found = found_after(
        whole, lambda file: file.execute(f"UPDATE exchanges SET {column} = ? WHERE seq = ?", (value, place))
    )
    assume(found is not None)
    assert found


@pytest.mark.parametrize("column", [name for name in CELLS if name != "seq"])
def test_the_very_same_value_as_another_type_is_found(whole: Path, column: str) -> None:
    """As a blob it would hide from every query, and look the same in a program."""
    found = found_after(whole, lambda file: file.execute(f"UPDATE exchanges SET {column} = CAST({column} AS BLOB)"))
    assert found is None or set(found) == {"LED002"}


@pytest.mark.parametrize("column", NEW_IN_VERSION_3)
@pytest.mark.parametrize("place", range(1, ROWS + 1))
def test_a_new_column_that_is_emptied_or_filled_is_found(whole: Path, column: str, place: int) -> None:
    """Empty ones at the end of a row are not sealed, so that rows of version 2 keep their seals; this must open no way."""
    emptied = found_after(whole, lambda file: file.execute(f"UPDATE exchanges SET {column} = NULL WHERE seq = {place}"))
    filled = found_after(whole, lambda file: file.execute(f"UPDATE exchanges SET {column} = 'x' WHERE seq = {place}"))
    assert emptied in (None, ["LED002"])
    assert filled == ["LED002"]
    held = NEW_IN_VERSION_3.index(column) < (place - 1) % (len(NEW_IN_VERSION_3) + 1)
    assert (emptied is not None) == held


@LAW
@given(column=st.sampled_from(HEAD_CELLS), value=VALUES)
def test_an_edit_of_the_head_is_found(whole: Path, column: str, value: Any) -> None:
    found = found_after(whole, lambda file: file.execute(f"UPDATE chain SET {column} = ?", (value,)))
    assume(found is not None)
    assert found is not None and "LED006" in found


@LAW
@given(places=st.sets(PLACES, min_size=1))
def test_rows_that_are_removed_are_found(whole: Path, places: set[int]) -> None:
    def remove(file: sqlite3.Connection) -> None:
        file.executemany("DELETE FROM exchanges WHERE seq = ?", [(place,) for place in places])

    found = found_after(whole, remove)
    assert found and set(found) <= {"LED001", "LED005"}
    assert (ROWS in places) == ("LED005" in found)


@LAW
@given(places=st.sets(PLACES, min_size=1, max_size=ROWS - 1))
def test_removed_rows_are_found_although_the_others_close_the_hole(whole: Path, places: set[int]) -> None:
    def close_up(file: sqlite3.Connection) -> None:
        file.executemany("DELETE FROM exchanges WHERE seq = ?", [(place,) for place in places])
        kept = [row[0] for row in file.execute("SELECT seq FROM exchanges ORDER BY seq").fetchall()]
        file.executemany("UPDATE exchanges SET seq = ? WHERE seq = ?", list(enumerate(kept, start=1)))

    assert found_after(whole, close_up)


@LAW
@given(one=PLACES, other=PLACES, with_seals=st.booleans())
def test_rows_that_are_exchanged_are_found(whole: Path, one: int, other: int, with_seals: bool) -> None:
    assume(one != other)

    def exchange(file: sqlite3.Connection) -> None:
        seals = {
            place: file.execute("SELECT seal FROM exchanges WHERE seq = ?", (place,)).fetchone()[0]
            for place in (one, other)
        }
        for now, then in ((one, -1), (other, one), (-1, other)):
            file.execute("UPDATE exchanges SET seq = ? WHERE seq = ?", (then, now))
        if not with_seals:
            file.executemany("UPDATE exchanges SET seal = ? WHERE seq = ?", [(seals[place], place) for place in seals])

    assert found_after(whole, exchange) == ["LED003", "LED003"]


@LAW
@given(place=st.integers(-3, ROWS + 3), copied=PLACES, seal=st.one_of(st.none(), st.binary(min_size=32, max_size=32)))
def test_a_row_that_is_inserted_is_found(whole: Path, place: int, copied: int, seal: bytes | None) -> None:
    """A copy of a true row with an id of its own, with the true seal or another, the rows behind it moved on."""

    def insert(file: sqlite3.Connection) -> None:
        later = file.execute("SELECT seq FROM exchanges WHERE seq >= ? ORDER BY seq DESC", (place,)).fetchall()
        row = list(file.execute("SELECT * FROM exchanges WHERE seq = ?", (copied,)).fetchone())
        file.executemany("UPDATE exchanges SET seq = seq + 1 WHERE seq = ?", later)
        row[0], row[1], row[-1] = place, "ex_foreign", seal or row[-1]
        file.execute(f"INSERT INTO exchanges VALUES ({', '.join('?' * len(row))})", row)

    assert found_after(whole, insert)
