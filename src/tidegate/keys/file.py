"""The file of keys: SQLite, readable by its owner only. Holds digests, names and terms; no key can be made out of it.

A digest is one keyed BLAKE2b. No slow derivation: a key is 256 random bits, and nobody tries those out, however fast each
try is. (NIST SP 800-63B, 5.1.2.2: secrets of at least 112 bits are kept under an approved one-way function, only weaker
ones under a slow and salted one. Looked up 2026-11-24.)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from tidegate.core.errors import ClientMistake, GatewayError, Misconfigured, NotFound
from tidegate.keys.order import KeyOrder, KeyRecord, decode_terms, encode_terms

PREFIX = "tg_"
"""By which programs that look for lost secrets know a key of Tidegate."""
KEY_BYTES = 32
VERSION = 1
_DAY_S = 86_400.0
_WAIT_S = 5.0
_TABLES = (
    "CREATE TABLE IF NOT EXISTS hashing (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS keys (key_id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, "
    "terms TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL, revoked_at REAL)",
)
COLUMNS = "key_id, name, terms, created_at, expires_at, revoked_at"


def key_digest(key: str, hash_key: bytes) -> bytes:
    """Keyed, so that nobody can choose a key whose digest begins like another's and learn from how long a lookup takes."""
    given = key.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(given, key=hash_key, person=b"tidegate.key", digest_size=32).digest()


def record_of(row: tuple[str, str, str, float, float | None, float | None]) -> KeyRecord:
    key_id, name, terms, created_at, expires_at, revoked_at = row
    return KeyRecord(
        key_id=key_id,
        name=name,
        terms=decode_terms(terms),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


class KeyFile:
    """Every call is one transaction, and blocks: from a running gateway call it in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, order: KeyOrder, now: float) -> tuple[str, KeyRecord]:
        """A new key, which is to be shown now and never again, and its record."""
        key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
        key_id = f"key_{secrets.token_hex(6)}"
        expires_at = None if order.expires_in_days is None else now + order.expires_in_days * _DAY_S
        record = KeyRecord(
            key_id=key_id, name=order.name, terms=order.terms(key_id), created_at=now, expires_at=expires_at
        )
        with self._writing() as database:
            for other in _records(database, "WHERE name = ?", order.name):
                if other.state(now) == "active":
                    raise ClientMistake(
                        f"a key with the name {order.name} is in use ({other.key_id}); revoke it, or choose another name"
                    )
            (hash_key,) = database.execute("SELECT key FROM hashing").fetchone()
            database.execute(
                f"INSERT INTO keys (digest, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (key_digest(key, hash_key), key_id, order.name, encode_terms(record.terms).decode(), now, expires_at),
            )
        return key, record

    def records(self) -> list[KeyRecord]:
        """All keys that were ever made, the oldest first."""
        if not self.path.exists():
            return []
        with self._open() as database:
            return _records(database)

    def revoke(self, which: str, now: float) -> KeyRecord:
        """By id, or by the name of a key that is not revoked yet. One that is revoked stays so, with its time."""
        if not self.path.exists():
            raise _no_key()
        with self._writing() as database:
            found = _records(database, "WHERE key_id = ?", which)
            found = found or _records(database, "WHERE name = ? AND revoked_at IS NULL", which)
            if not found:
                raise _no_key()
            (record, *_) = found
            if record.revoked_at is None:
                database.execute("UPDATE keys SET revoked_at = ? WHERE key_id = ?", (now, record.key_id))
            return _records(database, "WHERE key_id = ?", record.key_id)[0]

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Made by us first, so that nobody else can read it in any moment.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self.path.chmod(0o600)
        except OSError as error:
            raise self._unusable(error) from None
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                database.execute(table)
            database.execute("INSERT OR IGNORE INTO hashing VALUES (1, ?)", (secrets.token_bytes(KEY_BYTES),))
            database.execute(f"PRAGMA user_version = {VERSION}")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as database:
                check_version(self.path, database)
                yield database
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> GatewayError:
        return Misconfigured(
            f"the file of keys {self.path} cannot be used ({type(error).__name__}); mend or move it away"
        )


def check_version(path: Path, database: sqlite3.Connection) -> None:
    if (version := database.execute("PRAGMA user_version").fetchone()[0]) > VERSION:
        raise Misconfigured(f"the file of keys {path} is of version {version}, made by a newer Tidegate")


def _records(database: sqlite3.Connection, where: str = "", *values: str) -> list[KeyRecord]:
    rows = database.execute(f"SELECT {COLUMNS} FROM keys {where} ORDER BY created_at, key_id", values).fetchall()
    return [record_of(row) for row in rows]


def _no_key() -> NotFound:
    return NotFound("there is no such key; `tidegate keys list` shows their names and ids")
