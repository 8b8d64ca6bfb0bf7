"""Ledgers with rows of all kinds, and hands that change them behind the gateway's back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Candidate, Decision, Verdict
from tidegate.core.exchange import Exchange, Send
from tidegate.core.usage import Usage
from tidegate.ledger.entries import Entry, entry_of
from tidegate.ledger.store import Ledger

BEGAN = 1_790_000_000.25
HOME = Send("box", Boundary.DEVICE, DataClass.PUBLIC, False)
LAB = Send("lab", Boundary.PRIVATE, DataClass.PUBLIC, False)
CLOUD = Send("cloud", Boundary.EXTERNAL, DataClass.PUBLIC, False)
MASKED = Send("cloud", Boundary.EXTERNAL, DataClass.PUBLIC, True)


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


def booked(number: int, data_class: DataClass | None = DataClass.PUBLIC, *sends: Send, **changes: Any) -> Entry:
    """An exchange of this class that was sent there. One second passes between two numbers."""
    exchange = Exchange(
        f"ex_{number:032x}", "openai_chat", BEGAN + number, asked_model="auto", streamed=bool(number % 2)
    )
    if data_class is not None:
        verdicts = (Verdict("cloud", "RTE020", True), Verdict("box", "RTE020", True))
        exchange.decision = Decision("auto", data_class, ("CLS001", "RTE003"), verdicts, (Candidate("box", "m"),))
        exchange.data_class = data_class
    exchange.sends = list(sends)
    exchange.status = 200 if sends else 400
    if sends:
        exchange.backend, exchange.boundary, exchange.model = sends[-1].backend, sends[-1].boundary, "m"
        exchange.usage, exchange.duration_s = Usage(prompt=20, output=5), 1.5
    return replace(entry_of(exchange), **changes)


def written(path: Path, entries: Iterable[Entry]) -> Path:
    """A ledger with these rows, closed."""
    ledger = Ledger(path)
    ledger.open()
    for entry in entries:
        ledger.record(entry)
    ledger.close()
    return path


def change(path: Path, statement: str, *values: Any) -> int:
    """Change the file as somebody without the key would. Gives the number of rows that were touched."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).rowcount


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()
