"""The keys of the file as a running gateway holds them: in memory, and never older than `LOOK_S`.

A key that is not known is looked for in the file before it is refused, so a new one works at once. The reverse is bounded:
a revoked key is forgotten with the next look, and at once where this process revoked it.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tidegate.core.errors import Misconfigured
from tidegate.keys.file import COLUMNS, check_version, key_digest, record_of
from tidegate.keys.order import KeyRecord

_log = logging.getLogger("tidegate.keys")

LOOK_S = 0.2
"""Longest time between two looks at the file, while requests come. A look costs 7 us where nothing has changed."""
_WAIT_S = 0.05
"""The event loop waits no longer for a file that somebody writes; then it holds to what it knows until the next look."""


class KeyRing:
    """For one thread. `now_s` is monotonic, `wall_clock` in unix seconds."""

    def __init__(
        self,
        path: Path,
        now_s: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._now_s = now_s
        self._wall_clock = wall_clock
        self._database: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._version: int | None = None
        self._hash_key = b""
        self._by_digest: dict[bytes, KeyRecord] = {}
        self._looked_s = float("-inf")
        self._exist = False
        self._failed = False

    @property
    def exist(self) -> bool:
        """Whether any key was ever made: revoking the last one, or losing the file, does not open the door."""
        self._look_if_due()
        return self._exist

    def find(self, key: str) -> KeyRecord | None:
        """The record of a key that is neither revoked nor expired."""
        self._look_if_due()
        found = self._known(key)
        if found is None:
            self.look()
            found = self._known(key)
        return found

    def _known(self, key: str) -> KeyRecord | None:
        found = self._by_digest.get(key_digest(key, self._hash_key)) if self._by_digest else None
        return found if found is not None and found.state(self._wall_clock()) == "active" else None

    def _look_if_due(self) -> None:
        if self._now_s() - self._looked_s >= LOOK_S:
            self.look()

    def look(self) -> None:
        """Read what has changed. What cannot be read changes nothing."""
        self._looked_s = self._now_s()
        try:
            self._read()
            self._failed = False
        except (OSError, sqlite3.Error, ValueError) as error:
            if not self._failed:
                _log.error("keys: %s cannot be read (%s); what was read last holds", self.path, type(error).__name__)
            self._failed = True

    def open(self) -> None:
        """The first look, which holds nothing open. A file that cannot be used is a `Misconfigured`."""
        try:
            self._read()
            self.close()
        except (OSError, sqlite3.Error, ValueError) as error:
            raise Misconfigured(
                f"the file of keys {self.path} cannot be used ({type(error).__name__}); mend or move it away"
            ) from None

    def _read(self) -> None:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return
        if self._database is None or self._inode != (stat.st_dev, stat.st_ino):
            self.close()
            uri = f"{self.path.resolve().as_uri()}?mode=ro"
            self._database = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
            self._inode, self._version = (stat.st_dev, stat.st_ino), None
        version = self._database.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return
        check_version(self.path, self._database)
        if not self._database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'keys'").fetchone():
            return  # it is being made
        self._database.execute("BEGIN")
        try:
            rows = self._database.execute(f"SELECT digest, {COLUMNS} FROM keys").fetchall()
            (self._hash_key,) = self._database.execute("SELECT key FROM hashing").fetchone()
        finally:
            self._database.execute("COMMIT")
        records = [(row[0], record_of(row[1:])) for row in rows]
        self._by_digest = {digest: record for digest, record in records if record.revoked_at is None}
        self._exist = self._exist or bool(records)
        self._version = version  # as of before the rows were read: what came in between is read again

    def close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()
