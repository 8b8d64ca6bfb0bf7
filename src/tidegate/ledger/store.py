"""The ledger's file: SQLite in WAL mode, written in batches by a thread of its own, off the hot path.

A clean stop writes everything. A kill -9 loses at most what arrived in the last `flush_interval_s`, and never corrupts:
each batch is one transaction, the seals of its rows and the head of the chain included. Rows that cannot be written (disk
full, locked) wait in memory and are tried again, sealed anew. A second process that writes the same file joins the same
chain, because each batch reads the head after it has the lock.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from tidegate.core.errors import Misconfigured
from tidegate.ledger import schema
from tidegate.ledger.chain import Sealer
from tidegate.ledger.entries import Entry, holdable, row_of
from tidegate.ledger.reading import SALT_BYTES, private_conversations, read_entry, read_salt, salt_path

_log = logging.getLogger("tidegate.ledger")

_REMEMBERED = 1000
_MOST_WAITING = 200_000


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
        self._sealer = Sealer(self.salt)
        self._last_seq = 0
        """The last place in the chain that this process wrote."""
        self._recent: OrderedDict[str, Entry] = OrderedDict()
        self._arrived = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Create or open the file and start the writer. A file that is no ledger is a `Misconfigured`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.salt = _own_salt(self.path)
            self._sealer = Sealer(self.salt)
            with closing(self._connect()) as database, database:
                # With the lock first: of two processes that start at once, one makes the tables or brings them up to date.
                database.execute("BEGIN IMMEDIATE")
                version = schema.version_of(database)
                if version > schema.VERSION:
                    raise Misconfigured(
                        f"ledger {self.path} is of version {version}, made by a newer Tidegate; see [ledger] path"
                    )
                schema.prepare(database, self._sealer)
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

    def recent(self, exchange_id: str) -> Entry | None:
        """From memory alone, where it is before it is in the file."""
        return self._recent.get(exchange_id)

    def find(self, exchange_id: str) -> Entry | None:
        """From memory, else from the file. Blocking: call it in a thread."""
        recent = self._recent.get(exchange_id)
        return recent or read_entry(self.path, exchange_id)

    def private_conversations(self, since: float) -> dict[str, float]:
        """Digests of the conversations that were private since then, with when they last were. Blocking."""
        return private_conversations(self.path, since)

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
                database.execute("BEGIN IMMEDIATE")
                head = schema.head_to_extend(database, self._sealer, self._last_seq)
                head = schema.put(database, self._sealer, head, [row_of(entry) for entry in batch])
                schema.write_head(database, self._sealer, head)
        except (OverflowError, UnicodeError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
            # One row that can never be written must not hold back the others.
            return self._write_others(database, [entry for entry in batch if holdable(entry)], error)
        except sqlite3.IntegrityError as error:
            return self._write_others(database, self._not_booked_yet(database), error)
        except sqlite3.Error as error:
            self.error = f"{type(error).__name__}: {error}"
            self._arrived.set()
            return False
        self._batch = []
        self._last_seq = head.seq
        self.error = None
        self.written += len(batch)
        if self.on_written is not None:
            self.on_written(batch)
        return True

    def _write_others(self, database: sqlite3.Connection, others: list[Entry], error: Exception) -> bool:
        self.dropped += len(self._batch) - len(others)
        fewer = len(others) < len(self._batch)
        self._batch = others
        self.error = type(error).__name__
        return fewer and self._write_batch(database)

    def _not_booked_yet(self, database: sqlite3.Connection) -> list[Entry]:
        """Without those that stand in the file or twice in the batch. Looked for only when one was refused: it costs."""
        fresh = {entry.exchange_id: entry for entry in reversed(self._batch) if holdable(entry)}
        known = schema.known_ids(database, list(fresh))
        return [entry for exchange_id, entry in reversed(fresh.items()) if exchange_id not in known]


def _own_salt(path: Path) -> bytes:
    """The key of hashes and seals, made once and kept beside the ledger, readable by its owner only."""
    with suppress(FileExistsError):
        descriptor = os.open(salt_path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SALT_BYTES))
    return read_salt(path)
