"""A ledger's file and its key as others read them: without a gateway, and without being able to change anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tidegate.core.errors import Misconfigured
from tidegate.ledger import schema
from tidegate.ledger.entries import COLUMNS, NEW_IN_VERSION_3, Entry, entry_from

SALT_BYTES = 32
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM exchanges WHERE exchange_id = ?"
_SELECT_1 = f"SELECT {schema.FIRST_COLUMNS} FROM exchanges WHERE exchange_id = ?"
_SELECT_2 = f"SELECT {schema.SECOND_COLUMNS} FROM exchanges WHERE exchange_id = ?"
_AS_NOW = f"CREATE TEMP VIEW exchanges AS SELECT *, {', '.join(f'NULL AS {name}' for name in NEW_IN_VERSION_3)} FROM main.exchanges"
"""A ledger of version 2 as one of this version, for this connection only."""
_PRIVATE = (
    "SELECT conversation, arrived_at FROM exchanges WHERE data_class = 'private' AND conversation <> '' AND arrived_at >= ? "
    "ORDER BY arrived_at DESC LIMIT 100000"
)
_COSTS = "SELECT cost_usd FROM exchanges WHERE arrived_at >= ? AND cost_usd IS NOT NULL"
_SINCE = f"SELECT {', '.join(COLUMNS)} FROM exchanges WHERE arrived_at >= ? ORDER BY seq"
_SEEN = (
    "SELECT backend, boundary, model FROM exchanges WHERE backend IS NOT NULL AND boundary IS NOT NULL AND model IS NOT NULL "
    "GROUP BY backend, boundary, model ORDER BY COUNT(*) DESC"
)


def read_entry(path: Path, exchange_id: str) -> Entry | None:
    """One entry out of a ledger file of any version, without the gateway."""
    rows = _read(path, {1: _SELECT_1, 2: _SELECT_2, schema.VERSION: _SELECT}, (exchange_id,))
    return entry_from([*rows[0], *[None] * (len(COLUMNS) - len(rows[0]))]) if rows else None


def private_conversations(path: Path, since: float) -> dict[str, float]:
    """The digests of the conversations in which something was private since then, with when it last was (unix seconds).

    Oldest first, of the newest 100,000 rows: more than is remembered. Version 1 did not keep them.
    """
    return {
        digest: arrived_at
        for conversation, arrived_at in reversed(_read(path, {2: _PRIVATE, schema.VERSION: _PRIVATE}, (since,)))
        for digest in conversation.split(",")
    }


def spent_since(path: Path, since: float) -> Decimal:
    """What all that arrived since then (unix seconds) has cost, in USD, as far as that is known."""
    found = _read(path, {1: _COSTS, schema.VERSION: _COSTS}, (since,))
    return sum((Decimal(cost) for (cost,) in found), Decimal(0))


def each_entry(path: Path, since: float | None = None) -> Iterator[Entry]:
    """The rows of a ledger that arrived since then, as they were written, one by one."""
    with reading(path) as database:
        for row in database.execute(_SINCE, (since if since is not None else 0.0,)):
            yield entry_from(row)


def count_entries(path: Path) -> int:
    """About how many rows there are."""
    with reading(path) as database:
        return database.execute("SELECT MAX(seq) FROM exchanges").fetchone()[0] or 0


class Seen(NamedTuple):
    """That a backend at this boundary was asked for this model."""

    backend: str
    boundary: str
    model: str


def seen_backends(path: Path) -> list[Seen]:
    """Who was asked for what, as far as the ledger says, the most frequent first."""
    with reading(path) as database:
        return [Seen(*row) for row in database.execute(_SEEN)]


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """One moment of a ledger of this version or the one before, read-only, however long the block reads."""
    if not path.exists():
        raise Misconfigured(f"there is no ledger {path}; check [ledger] path, or --config")
    try:
        with closing(open_to_read(path)) as database:
            version = schema.version_of(database)
            if version == 2:
                database.execute(_AS_NOW)
            database.execute("BEGIN")
            if version not in (2, schema.VERSION):
                raise Misconfigured(
                    f"ledger {path} is of version {version} and this Tidegate reads version {schema.VERSION}; a gateway "
                    "brings an older one up to date when it starts"
                )
            yield database
    except sqlite3.Error as error:
        raise Misconfigured(f"ledger {path} cannot be read ({type(error).__name__}); check [ledger] path") from None


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)


def _read(path: Path, queries: Mapping[int, str], values: Sequence[object]) -> list[tuple[Any, ...]]:
    """What the query for the file's version finds; a version that has none, such as a file being made, holds nothing."""
    if not path.exists():
        return []
    try:
        with closing(open_to_read(path)) as database:
            query = queries.get(schema.version_of(database))
            return database.execute(query, values).fetchall() if query is not None else []
    except sqlite3.Error as error:
        raise Misconfigured(f"ledger {path} cannot be read ({type(error).__name__}); check [ledger] path") from None


def salt_path(path: Path) -> Path:
    return path.with_suffix(".salt")


def read_salt(path: Path) -> bytes:
    """The key of the ledger's hashes and seals."""
    place = salt_path(path)
    try:
        salt = place.read_bytes()
    except FileNotFoundError:
        raise Misconfigured(f"the ledger's key {place} is missing; without it nothing can be checked") from None
    if len(salt) != SALT_BYTES:
        raise Misconfigured(f"the ledger's key {place} is damaged; move it away or change [ledger] path")
    return salt
