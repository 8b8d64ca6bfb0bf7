"""Reads the chain row by row and finds what was removed, changed, moved, added or cut off. Pure but for the rows it is handed.

Memory does not grow with the ledger: of the rows only the seal before, and of the faults only the first ones, are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.core.rulebook import Rule
from tidegate.ledger.chain import ANEW, START, Head, Sealer
from tidegate.ledger.entries import sealed_part
from tidegate.ledger.rules import ADDED, ANEW_HERE, CHANGED, CUT_OFF, GONE, HEAD_CHANGED, MOVED, NOT_EXPECTED

_ID = re.compile(r"[\w-]{1,60}", re.ASCII)
_MOST_SHOWN = 50
_MOST_COMPARED = 24
"""Rows that do not fit, up to which each is tried at the place of each other: the work grows with the third power."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`seq` is the place in the chain, 0 for what has none; `where` says it in words."""

    code: str
    title: str
    seq: int
    where: str


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A row whose values do not fit its seal at this place."""

    before: bytes
    seq: int
    row: Sequence[Any]
    seal: Any


@dataclass(slots=True)
class ChainCheck:
    """Feed every row in the order of its place, then `finish`. `expected` is a seal that was noted elsewhere."""

    sealer: Sealer
    head: tuple[Head, Any] | None
    expected: bytes | None = None
    faults: list[Fault] = field(default_factory=list[Fault])
    count: int = 0
    """Of all faults, those not kept included."""
    rows: int = 0
    _trusted: Head | None = None
    _seq: int = 0
    _before: bytes = START
    """The seal of the row before, as it stands in the file."""
    _fitting: bytes = START
    """The seal of the last row that fitted."""
    _fitting_seq: int = 0
    _supposed: bytes | None = None
    """The seal that the row before should have, if it has another."""
    _misfits: list[_Misfit] = field(default_factory=list[_Misfit])
    _seen_expected: bool = False

    def __post_init__(self) -> None:
        if self.head is not None and self.sealer.mark(self.head[0]) == self.head[1]:
            self._trusted = self.head[0]
            self._seq = self._trusted.checkpoint_seq
            self._before = self._fitting = self._trusted.checkpoint_seal
            self._seen_expected = self.expected is not None and self.expected == self._before != START
        else:
            self._fault(HEAD_CHANGED, 0, "table chain")

    @property
    def newest(self) -> bytes | None:
        """The seal to note elsewhere; None when the head is not ours."""
        return self._trusted.seal if self._trusted is not None else None

    @property
    def newest_seq(self) -> int:
        return self._trusted.seq if self._trusted is not None else 0

    def feed(self, seq: int, row: Sequence[Any], seal: Any) -> None:
        self.rows += 1
        if seq <= self._seq:  # before the beginning: places are a key, so no two rows have the same
            self._fault(ADDED, seq, _at(seq, row))
            return
        if seq > self._seq + 1:
            self._fault(GONE, self._seq + 1, _between(self._seq + 1, seq - 1))
        after_gap, self._seq = seq > self._seq + 1, seq
        if self._fits(self._before, seq, row, seal):
            self._joined(seq, seal)
        elif self._fits(self._fitting, seq, row, seal):
            self._tell_added()
            self._joined(seq, seal)
        elif self._supposed is not None and self._fits(self._supposed, seq, row, seal):
            self._joined(seq, seal)  # of the row before, nothing but the seal was changed
        elif self._fits(ANEW, seq, row, seal):
            self._fault(ANEW_HERE, seq, _at(seq, row))
            self._joined(seq, seal)
        elif after_gap and self._trusted is not None and seq <= self._trusted.seq:
            # What stood before is gone, so nobody can say what this one's seal should be; the hole is reported.
            self._misfit(seq, row, seal, None)
        else:
            foreign = self._trusted is not None and seq > self._trusted.seq
            self._misfit(seq, row, seal, ADDED if foreign else CHANGED)
        self._before = seal if isinstance(seal, bytes) else b""

    def unreadable(self, seq: int, seal: bytes) -> None:
        """A row that holds what is no value of a ledger, such as a text that is none."""
        self.rows += 1
        if seq > self._seq + 1:
            self._fault(GONE, self._seq + 1, _between(self._seq + 1, seq - 1))
        if seq > self._seq:
            self._seq, self._before, self._supposed = seq, seal, None
        self._fault(CHANGED, seq, f"row {seq}, which cannot be read")

    def _joined(self, seq: int, seal: bytes) -> None:
        self._fitting, self._fitting_seq, self._supposed = seal, seq, None
        self._seen_expected = self._seen_expected or seal == self.expected

    def _tell_added(self) -> None:
        """The chain goes on as if what stands since the last row that fitted were not there."""
        self.faults = [
            Fault(ADDED.code, ADDED.title, one.seq, one.where)
            if one.code == CHANGED.code and one.seq > self._fitting_seq
            else one
            for one in self.faults
        ]

    def _misfit(self, seq: int, row: Sequence[Any], seal: Any, rule: Rule | None) -> None:
        self._supposed = self._seal(self._before, seq, row)
        if len(self._misfits) <= _MOST_COMPARED:
            self._misfits.append(_Misfit(self._before, seq, row, seal))
        if rule is not None:
            self._fault(rule, seq, _at(seq, row))

    def finish(self) -> list[Fault]:
        """All that is wrong, in the order of places; empty means that the chain is whole."""
        head = self._trusted
        if head is not None and self._seq < head.seq:
            self._fault(CUT_OFF, self._seq + 1, _between(self._seq + 1, head.seq))
        elif head is not None and self._seq == head.seq and self._before != head.seal and not self.count:
            self._fault(HEAD_CHANGED, head.seq, "table chain")
        if self.expected is not None and not self._seen_expected:
            self._fault(NOT_EXPECTED, 0, f"seal {self.expected.hex()}")
        self._tell_moved()
        return self.faults

    def _tell_moved(self) -> None:
        """A row whose values fit the seal of another place was moved; it is shown as that and not as changed."""
        misfits = self._misfits
        if not 1 < len(misfits) <= _MOST_COMPARED:
            return
        seals = {one.seal for one in misfits if isinstance(one.seal, bytes)}
        befores = {one.before for one in misfits} | seals
        places = {one.seq for one in misfits}
        moved: set[int] = set()
        at_home: set[int] = set()  # it is the row before that is not
        for one in misfits:
            if any(self._fits(before, one.seq, one.row, one.seal) for before in befores):
                at_home.add(one.seq)
            elif any(self._seal(before, seq, one.row) in seals for seq in places - {one.seq} for before in befores):
                moved.add(one.seq)
        if moved:
            self.count -= len([one for one in self.faults if one.seq in at_home and one.code == CHANGED.code])
            self.faults = [
                Fault(MOVED.code, MOVED.title, one.seq, one.where)
                if one.seq in moved and one.code != GONE.code
                else one
                for one in self.faults
                if one.seq not in at_home or one.code != CHANGED.code
            ]

    def _fits(self, before: bytes, seq: int, row: Sequence[Any], seal: Any) -> bool:
        return isinstance(seal, bytes) and seal == self._seal(before, seq, row)

    def _seal(self, before: bytes, seq: int, row: Sequence[Any]) -> bytes | None:
        try:
            return self.sealer.seal(before, seq, sealed_part(row))
        except (OverflowError, UnicodeError, TypeError):
            return None

    def _fault(self, rule: Rule, seq: int, where: str) -> None:
        self.count += 1
        if len(self.faults) < _MOST_SHOWN:
            self.faults.append(Fault(rule.code, rule.title, seq, where))


def _at(seq: int, row: Sequence[Any]) -> str:
    """Named by its exchange, unless somebody wrote something else there."""
    name = row[0]
    return f"row {seq}, exchange {name}" if isinstance(name, str) and _ID.fullmatch(name) else f"row {seq}"


def _between(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"
