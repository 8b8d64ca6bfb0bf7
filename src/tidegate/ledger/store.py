"""The ledger's file: SQLite in WAL mode, written in batches by a thread of its own, off the hot path.

A clean stop writes everything. A kill -9 loses at most what arrived in the last `flush_interval_s`, and never corrupts:
each batch is one transaction. Rows that cannot be written (disk full, locked) wait in memory and are tried again.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tidegate.core.errors import Misconfigured
from tidegate.ledger.entries import COLUMNS, Entry, holdable, row_of

_log = logging.getLogger("tidegate.ledger")

_SCHEMA_VERSION = 1
_TEXTS = {"exchange_id": "TEXT PRIMARY KEY", "arrived_at": "REAL NOT NULL", "status": "INTEGER NOT NULL"}
_NUMBERS = ("streamed", "request_bytes", "prompt_tokens", "cache_hit_tokens", "output_tokens", "reasoning_tokens")
_TIMES = ("first_frame_s", "duration_s")
_REMEMBERED = 1000
_MOST_WAITING = 200_000
_ROWS_AT_ONCE = 128
"""Rows per statement. The interpreter's lock is given up once per statement, so one per row would fight the event loop."""
_SALT_BYTES = 32


def _column(name: str) -> str:
    kind = "INTEGER" if name in _NUMBERS else "REAL" if name in _TIMES else "TEXT"
    return f"{name} {_TEXTS.get(name, kind)}"


_CREATE = f"CREATE TABLE IF NOT EXISTS exchanges ({', '.join(map(_column, COLUMNS))}) WITHOUT ROWID"
_ROW = f"({', '.join('?' * len(COLUMNS))})"
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM exchanges WHERE exchange_id = ?"


class Ledger:
    """`record` is called on the hot path and only appends; everything else happens in the writer thread."""

    def __init__(
        self, path: Path, flush_interval_s: float = 0.5, on_written: Callable[[Sequence[Entry]], None] | None = None
    ) -> None:
        self.path = path
        self.salt = bytes(32)
        self.written = 0
        self.dropped = 0
        self.error: str | None = None
        self._flush_interval_s = flush_interval_s
        self.on_written = on_written
        self._waiting: deque[Entry] = deque()
        self._batch: list[Entry] = []
        """Taken out of `_waiting` by the writer, not yet in the file."""
        self._recent: OrderedDict[str, Entry] = OrderedDict()
        self._arrived = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Create or open the file and start the writer. A file that is no ledger is a `Misconfigured`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.salt = _read_salt(self.path.with_suffix(".salt"))
            with closing(self._connect()) as database:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, _SCHEMA_VERSION):
                    raise Misconfigured(
                        f"ledger {self.path} is of version {version}, made by a newer Tidegate; see [ledger] path"
                    )
                with database:
                    database.execute(_CREATE)
                    database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured(
                f"ledger {self.path} cannot be used ({type(error).__name__}: {error}); change [ledger] path or move it away"
            ) from None
        self._thread = threading.Thread(target=self._write_on, name="tidegate-ledger", daemon=True)
        self._thread.start()

    def record(self, entry: Entry) -> None:
        self._recent[entry.exchange_id] = entry
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        if self.waiting >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(entry)
        if not self._arrived.is_set():
            self._arrived.set()

    def close(self) -> None:
        """Write what waits and stop the writer."""
        self._closing.set()
        self._arrived.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def find(self, exchange_id: str) -> Entry | None:
        """From memory, else from the file. Blocking: call it in a thread."""
        recent = self._recent.get(exchange_id)
        return recent or read_entry(self.path, exchange_id)

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._batch)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5.0)
        self.path.chmod(0o600)
        database.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL loses nothing when the process dies, only the last batches when the power fails.
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _write_on(self) -> None:
        with closing(self._connect()) as database:
            while not self._closing.is_set() or self.waiting:
                self._arrived.wait()
                self._closing.wait(self._flush_interval_s)
                self._arrived.clear()
                if not self._write_batch(database) and self._closing.is_set():
                    _log.error("ledger: %d exchanges could not be written: %s", self.waiting, self.error)
                    return

    def _write_batch(self, database: sqlite3.Connection) -> bool:
        batch = self._batch
        while self._waiting:
            batch.append(self._waiting.popleft())
        if not batch:
            return True
        try:
            with database:
                for rows in _in_powers_of_two(batch):
                    insert = f"INSERT OR IGNORE INTO exchanges VALUES {', '.join([_ROW] * len(rows))}"
                    database.execute(insert, [value for entry in rows for value in row_of(entry)])
        except (OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
            # One row that can never be written must not hold back the others.
            self._batch = [entry for entry in batch if holdable(entry)]
            self.dropped += len(batch) - len(self._batch)
            self.error = type(error).__name__
            return len(self._batch) < len(batch) and self._write_batch(database)
        except sqlite3.Error as error:
            self.error = f"{type(error).__name__}: {error}"
            self._arrived.set()
            return False
        self._batch = []
        self.error = None
        self.written += len(batch)
        if self.on_written is not None:
            self.on_written(batch)
        return True


def read_entry(path: Path, exchange_id: str) -> Entry | None:
    """One entry out of a ledger file, without the gateway."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)) as database:
            row = database.execute(_SELECT, (exchange_id,)).fetchone()
    except sqlite3.Error as error:
        raise Misconfigured(f"ledger {path} cannot be read ({type(error).__name__}); check [ledger] path") from None
    if row is None:
        return None
    fields = dict(zip(COLUMNS, row, strict=True))
    fields["streamed"] = bool(fields["streamed"])
    return Entry(**fields)


def _in_powers_of_two(batch: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Pieces of 128, 64, ... 1 rows: few sizes, because SQLite's driver keeps each prepared statement, and they are big."""
    begin = 0
    while begin < len(batch):
        size = min(_ROWS_AT_ONCE, 1 << (len(batch) - begin).bit_length() - 1)
        yield batch[begin : begin + size]
        begin += size


def _read_salt(path: Path) -> bytes:
    """The hash key, made once and kept beside the ledger, readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        salt = path.read_bytes()
        if len(salt) != _SALT_BYTES:
            raise Misconfigured(f"the ledger's key {path} is damaged; move it away or change [ledger] path") from None
        return salt
    salt = secrets.token_bytes(_SALT_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(salt)
    return salt
