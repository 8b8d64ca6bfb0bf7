"""Texts that count their comparisons: to prove that a check of many looks at each a few times, without a clock."""

from __future__ import annotations


class Counted(str):
    """An id that counts how often it was compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    __hash__ = str.__hash__
