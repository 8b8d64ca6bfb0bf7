"""The ledger's tables, their version, the steps from versions 1 and 2, and how rows and the head are put into them.

Every function works inside the caller's transaction, so that rows, seals and head change together or not at all.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from tidegate.ledger.chain import ANEW, Head, Sealer
from tidegate.ledger.entries import COLUMNS, INTEGERS, NEW_IN_VERSION_2, NEW_IN_VERSION_3, TIMES, sealed_part

_log = logging.getLogger("tidegate.ledger")

VERSION = 3
ROWS_AT_ONCE = 128
"""Rows per statement. The interpreter's lock is given up once per statement, so one per row would fight the event loop."""
_BEYOND = 2**53
"""Places from here on are no row's of ours: one that somebody put there must not decide where the next one goes."""
_NOT_NULL = ("exchange_id", "arrived_at", "status")
_NEW = len(NEW_IN_VERSION_3)
FIRST_COLUMNS = ", ".join(COLUMNS[: -_NEW - len(NEW_IN_VERSION_2)])
"""Those of version 1."""
SECOND_COLUMNS = ", ".join(COLUMNS[:-_NEW])
"""Those of versions 1 and 2."""


def _column(name: str) -> str:
    kind = "INTEGER" if name in (*INTEGERS, "streamed") else "REAL" if name in TIMES else "TEXT"
    unique = " UNIQUE" if name == "exchange_id" else ""
    return f"{name} {kind}{' NOT NULL' if name in _NOT_NULL else ''}{unique}"


_TABLES = (
    f"CREATE TABLE IF NOT EXISTS exchanges (seq INTEGER PRIMARY KEY, {', '.join(map(_column, COLUMNS))}, seal BLOB)",
    "CREATE TABLE IF NOT EXISTS chain (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER, seal BLOB, "
    "checkpoint_seq INTEGER, checkpoint_seal BLOB, mark BLOB)",
    # Read once at each start, to know which conversations stay private.
    "CREATE INDEX IF NOT EXISTS private_conversations ON exchanges (arrived_at) "
    "WHERE data_class = 'private' AND conversation <> ''",
    # Read once at each start, to know what each key has spent of its budget.
    "CREATE INDEX IF NOT EXISTS charged ON exchanges (arrived_at) WHERE charged_usd IS NOT NULL",
)
_INSERT = f"INSERT INTO exchanges (seq, {', '.join(COLUMNS)}, seal) VALUES "
"""Names its columns: in a file that was of version 2 the newest stand behind the seal."""
_ROW = f"({', '.join('?' * (len(COLUMNS) + 2))})"
_HEAD = "SELECT seq, seal, checkpoint_seq, checkpoint_seal, mark FROM chain"


def version_of(database: sqlite3.Connection) -> int:
    return database.execute("PRAGMA user_version").fetchone()[0]


def prepare(database: sqlite3.Connection, sealer: Sealer) -> None:
    """Bring an empty file or one of an earlier version to this version; in a transaction that may write."""
    version = version_of(database)
    if version == VERSION:
        return
    if version == 2:
        _widen(database)
        return
    if version == 1:
        database.execute("ALTER TABLE exchanges RENAME TO exchanges_1")
    for table in _TABLES:
        database.execute(table)
    write_head(database, sealer, Head())
    if version == 1:
        _take_over(database, sealer)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _widen(database: sqlite3.Connection) -> None:
    """From version 2: the columns that were not there hold nothing, which no seal covers, so the chain stays as it is."""
    for name in NEW_IN_VERSION_3:
        database.execute(f"ALTER TABLE exchanges ADD COLUMN {_column(name)}")
    for table in _TABLES:
        database.execute(table)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _take_over(database: sqlite3.Connection, sealer: Sealer) -> None:
    """The rows of version 1, sealed now: what happened to them before, no chain can show."""
    count = database.execute("SELECT COUNT(*) FROM exchanges_1").fetchone()[0]
    _log.info("ledger: %d rows of version 1 are brought to version %d", count, VERSION)
    padding = [None] * (len(NEW_IN_VERSION_2) + _NEW)
    head = Head()
    rows = database.execute(f"SELECT {FIRST_COLUMNS} FROM exchanges_1 ORDER BY exchange_id")
    while piece := rows.fetchmany(ROWS_AT_ONCE):
        head = put(database, sealer, head, [[*row, *padding] for row in piece])
    write_head(database, sealer, head)
    database.execute("DROP TABLE exchanges_1")


def read_head(database: sqlite3.Connection) -> tuple[Head, Any] | None:
    """The head as it is written and its mark, neither of them checked; None: there is none."""
    found = database.execute(_HEAD).fetchone()
    return None if found is None else (Head(*found[:4]), found[4])


def head_to_extend(database: sqlite3.Connection, sealer: Sealer, last_seq: int) -> Head:
    """Where the next row joins. `last_seq` is the last place that this process wrote.

    A head that was changed, is gone or stands before that place is not joined: the chain begins anew, which stays visible.
    """
    newest = database.execute("SELECT MAX(seq) FROM exchanges WHERE seq < ?", (_BEYOND,)).fetchone()[0] or 0
    found = read_head(database)
    if found is not None and found[1] == sealer.mark(found[0]) and found[0].seq >= last_seq:
        return found[0]._replace(seq=max(found[0].seq, newest))
    _log.error(
        "ledger: somebody has changed the head of the chain; it begins anew, and `tidegate prove` will show where"
    )
    return Head(max(newest, last_seq), ANEW)


def put(database: sqlite3.Connection, sealer: Sealer, head: Head, rows: Sequence[Sequence[Any]]) -> Head:
    """Seal and insert these rows after the head. Gives the head that is then to be written."""
    seq, seal = head.seq, head.seal
    for piece in in_powers_of_two(rows):
        values: list[Any] = []
        for row in piece:
            seq += 1
            seal = sealer.seal(seal, seq, sealed_part(row))
            values.append(seq)
            values += row
            values.append(seal)
        database.execute(_INSERT + ", ".join([_ROW] * len(piece)), values)
    return head._replace(seq=seq, seal=seal)


def write_head(database: sqlite3.Connection, sealer: Sealer, head: Head) -> None:
    database.execute("INSERT OR REPLACE INTO chain VALUES (1, ?, ?, ?, ?, ?)", (*head, sealer.mark(head)))


def known_ids(database: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Which of these exchanges are booked already."""
    pieces = in_powers_of_two(ids)
    asked = ((f"SELECT exchange_id FROM exchanges WHERE exchange_id IN ({', '.join('?' * len(p))})", p) for p in pieces)
    return {row[0] for row in chain.from_iterable(database.execute(*one) for one in asked)}


def in_powers_of_two(batch: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Pieces of 128, 64, ... 1 rows: few sizes, because SQLite's driver keeps each prepared statement, and they are big."""
    begin = 0
    while begin < len(batch):
        size = min(ROWS_AT_ONCE, 1 << (len(batch) - begin).bit_length() - 1)
        yield batch[begin : begin + size]
        begin += size
