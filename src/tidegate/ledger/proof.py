"""What the ledger can prove: whether its chain is whole, and what left this machine, by class, rule and time.

Reads the file without being able to change it, in one pass and one moment of it, so a gateway may go on writing. Says
nothing of what was asked while no gateway of this ledger ran, and nothing of clients that did not go through one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BoundaryBreach
from tidegate.core.exchange import Send
from tidegate.ledger import schema
from tidegate.ledger.chain import Head, Sealer
from tidegate.ledger.entries import COLUMNS, Entry, entry_from, sends_of
from tidegate.ledger.reading import read_salt, reading
from tidegate.ledger.verify import ChainCheck, Fault

_ROWS = f"SELECT seq, {', '.join(COLUMNS)}, seal FROM exchanges WHERE seq >= ? ORDER BY seq"
_NEXT = "SELECT seq, CAST(seal AS BLOB) FROM exchanges WHERE seq >= ? ORDER BY seq LIMIT 1"
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_MOST_LISTED = 1000
_TELL_EVERY = 4096
_ARRIVED = COLUMNS.index("arrived_at")
UNCLASSED = "none"
"""Class of what was refused before anybody said what class it has."""
CLASS_NAMES = ("private", "internal", "public", UNCLASSED)


class Departure(Struct, frozen=True):
    """One exchange that left. `rules` and `policy_rows` are why it could; `masked`: it left only as pseudonyms."""

    exchange_id: str
    arrived_at: float
    data_class: str
    backends: tuple[str, ...]
    rules: tuple[str, ...]
    policy_rows: tuple[str, ...]
    masked: bool
    status: int


@dataclass(slots=True)
class Tally:
    """Where the exchanges of one class went; each is counted once, at the farthest place."""

    exchanges: int = 0
    device: int = 0
    private: int = 0
    left: int = 0
    left_masked: int = 0
    stopped: int = 0
    """The transport's own check stopped it before anything was sent; it should never come to that."""
    not_sent: int = 0


@dataclass(slots=True)
class Proof:
    """`rows` and `faults` are of the whole ledger, everything else of the time that was asked for."""

    rows: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    fault_count: int = 0
    head: bytes | None = None
    head_seq: int = 0
    tallies: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in CLASS_NAMES})
    departures: list[Departure] = field(default_factory=list[Departure])
    """Of the classes that were asked for, the first ones."""
    departed: int = 0
    """All of them."""
    before_version_2: int = 0
    """Rows that say only where the answer came from, not where else the request was sent."""

    @property
    def whole(self) -> bool:
        return not self.fault_count

    @property
    def private_left(self) -> int:
        return self.tallies["private"].left

    def count(self, entry: Entry, classes: Sequence[str]) -> None:
        sends = sends_of(entry)
        if sends is None:
            self.before_version_2 += 1
            sends = _as_far_as_known(entry)
        data_class = _class_of(entry, sends)
        tally = self.tallies[data_class]
        tally.exchanges += 1
        stopped = entry.error == BoundaryBreach.__name__ and bool(sends)
        if stopped:
            sends = sends[:-1]
        outside = [send for send in sends if send.boundary is Boundary.EXTERNAL]
        masked = all(send.masked for send in outside)
        match outside, sends:
            case [_, *_], _ if masked:
                tally.left_masked += 1
            case [_, *_], _:
                tally.left += 1
            case _, [_, *_]:
                home = all(send.boundary is Boundary.DEVICE for send in sends)
                tally.device += home
                tally.private += not home
            case _ if stopped:
                tally.stopped += 1
            case _:
                tally.not_sent += 1
        if outside and data_class in classes:
            self._list(entry, data_class, outside, masked)

    def _list(self, entry: Entry, data_class: str, outside: list[Send], masked: bool) -> None:
        self.departed += 1
        if len(self.departures) < _MOST_LISTED:
            self.departures.append(
                Departure(
                    exchange_id=entry.exchange_id,
                    arrived_at=entry.arrived_at,
                    data_class=data_class,
                    backends=tuple(dict.fromkeys(send.backend for send in outside)),
                    rules=_split(entry.rules),
                    policy_rows=_split(entry.policy_rows or ""),
                    masked=masked,
                    status=entry.status,
                )
            )


def _as_far_as_known(entry: Entry) -> list[Send]:
    if entry.boundary is None or entry.backend is None:
        return []
    return [Send(entry.backend, Boundary(entry.boundary), DataClass(entry.data_class or "public"), False)]


def _class_of(entry: Entry, sends: list[Send]) -> str:
    """The highest that is known: of the exchange, or of anything that was sent for it."""
    if entry.data_class is None:
        return UNCLASSED
    highest = DataClass(entry.data_class)
    for send in sends:
        highest = highest.raised_to(send.data_class)
    return highest.value


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def prove(
    path: Path,
    *,
    since: float | None = None,
    classes: Sequence[str] = ("private", "internal"),
    expected: bytes | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Proof:
    """Check the whole chain and count what left since then. `told` hears now and then how many rows of how many are read."""
    proof = Proof()
    with reading(path) as database:
        check = ChainCheck(Sealer(read_salt(path)), _head_of(database), expected)
        of = database.execute("SELECT MAX(seq) FROM exchanges").fetchone()[0] or 0
        for seq, row, seal in _rows_of(database, check):
            check.feed(seq, row, seal)
            if since is None or not isinstance(row[_ARRIVED], float) or row[_ARRIVED] >= since:
                _count(proof, row, classes)
            if not check.rows % _TELL_EVERY:
                told(check.rows, of)
    proof.faults, proof.rows, proof.head = check.finish(), check.rows, check.newest
    proof.fault_count, proof.head_seq = check.count, check.newest_seq
    return proof


def newest_seal(path: Path) -> tuple[int, bytes] | None:
    """The head as it is to be noted elsewhere, without reading the chain; None: it is not as it was written."""
    with reading(path) as database:
        check = ChainCheck(Sealer(read_salt(path)), _head_of(database))
    return None if check.newest is None else (check.newest_seq, check.newest)


def _head_of(database: sqlite3.Connection) -> tuple[Head, Any] | None:
    try:
        return schema.read_head(database)
    except sqlite3.OperationalError:
        return None  # the table is gone, or holds what is no text


def _rows_of(database: sqlite3.Connection, check: ChainCheck) -> Iterator[tuple[int, Sequence[Any], Any]]:
    """Each row of the file; one that cannot be read is told to the check and passed over."""
    begin = _LOWEST
    while begin <= _HIGHEST:
        try:
            for found in database.execute(_ROWS, (begin,)):
                begin = found[0] + 1
                yield found[0], found[1:-1], found[-1]
            return
        except sqlite3.OperationalError as error:
            if "decode" not in str(error).lower():
                raise
        seq, seal = database.execute(_NEXT, (begin,)).fetchone()
        begin = seq + 1
        check.unreadable(seq, seal or b"")


def _count(proof: Proof, row: Sequence[Any], classes: Sequence[str]) -> None:
    """A row that was changed into something that is no exchange is a fault of the chain, and cannot be counted."""
    try:
        proof.count(entry_from(row), classes)
    except (ValueError, TypeError, KeyError, AttributeError):
        proof.tallies[UNCLASSED].exchanges += 1
