"""The chain over the ledger's rows: each row's seal covers its values, its place and the seal before it. Pure sums.

The key is made from the ledger's salt, so whoever cannot read that file can neither write a row that belongs to the
chain nor mend what a change broke. Whoever can read it can write another chain; a head noted elsewhere shows that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

SEAL_BYTES = 32
START = bytes(SEAL_BYTES)
"""Stands for the seal before the first row."""
ANEW = b"\xff" * SEAL_BYTES
"""Stands for the seal before a row where the writer found a head that it did not write, and began anew."""

_encode = msgspec.msgpack.Encoder().encode


class Head(NamedTuple):
    """The newest row's place and seal, and those of the newest row that was pruned (0 and START: none was)."""

    seq: int = 0
    seal: bytes = START
    checkpoint_seq: int = 0
    checkpoint_seal: bytes = START


class Sealer:
    """`row` is what the file holds, value by value. Types count: 1, 1.0 and "1" are three values, and so are text and bytes."""

    def __init__(self, salt: bytes) -> None:
        self._rows = _keyed(salt, b"tidegate.row")
        self._heads = _keyed(salt, b"tidegate.head")

    def seal(self, before: bytes, seq: int, row: Sequence[Any]) -> bytes:
        """Of a row at this place. An OverflowError or UnicodeEncodeError: no file can hold it."""
        sealed = self._rows.copy()
        sealed.update(before + seq.to_bytes(8, "big", signed=True) + _encode(row))
        return sealed.digest()

    def mark(self, head: Head) -> bytes:
        """What shows that this head was written with the key."""
        marked = self._heads.copy()
        marked.update(_encode(head))
        return marked.digest()


def _keyed(salt: bytes, purpose: bytes) -> hashlib.blake2b:
    """The salt itself is the key of other hashes, which are shown; so each purpose has a key of its own."""
    key = hashlib.blake2b(key=salt, person=purpose, digest_size=32).digest()
    return hashlib.blake2b(key=key, person=purpose, digest_size=SEAL_BYTES)
