"""Words that say what the number behind them is: found once per text by RE2, asked for as often as needed.

Looking backwards from every number would cost more than everything else, and twice as much for twice as many numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from tidegate.privacy.patterns.found import CUE_REACH
from tidegate.privacy.patterns.gates import Pattern, compiled


class Cue:
    """A pattern of cue words in RE2's syntax, whose `\\b` is ASCII only; in any case."""

    def __init__(self, words: str) -> None:
        self.words = words

    @cached_property
    def pattern(self) -> Pattern:
        return compiled(f"(?i)(?:{self.words})")

    def starts(self, text: str) -> Iterator[int]:
        """Where it begins, one after the other."""
        return (found.start() for found in self.pattern.finditer(text))


class Cues:
    """Where the cue words of one text end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends: dict[Cue, list[int]] = {}

    def near(self, cue: Cue, start: int, reach: int = CUE_REACH) -> bool:
        """Whether one ends at most `reach` characters before `start`."""
        return self.last(cue, start) >= start - reach

    def leads_to(self, cue: Cue, start: int, reach: int = 12) -> bool:
        """The same, with no other number and no end of a line between."""
        last = self.last(cue, start)
        return last >= start - reach and not any(c in _OTHER for c in self.text[last:start])

    def last(self, cue: Cue, start: int) -> int:
        """Where the last one before `start` ends; far below 0 if there is none."""
        ends = self._ends.get(cue)
        if ends is None:
            ends = self._ends[cue] = [found.end() for found in cue.pattern.finditer(self.text)]
        at = bisect_right(ends, start)
        return ends[at - 1] if at else -1_000_000


_OTHER = frozenset("0123456789\n")
