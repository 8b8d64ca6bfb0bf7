"""A detector called for the parts of a long text in which it could find something, instead of for all of it. Pure.

One mail address or one long number in 100,000 characters would otherwise have Python's `re` read all of them. RE2 says
where the candidates are at a hundredth of the price; what stands further from every candidate than a detector's reach
cannot be found by it. Places stay those of the whole text, and what is found is the same as in the whole text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cache

from tidegate.privacy.patterns.found import Detector, Found
from tidegate.privacy.patterns.gates import Characters, Pattern, compiled

SHORT = 2_048
"""A text of so many characters is looked at as a whole."""
_MORE = 128
"""Context around each stretch, besides as much as the reach again."""
_CUT = 96
"""What is found so close to the end of a stretch may go on behind it, or have begun before."""
_PER_PLACE = 64
"""Characters that `re` reads while one more place is asked for."""


class _Stretch:
    """From `start` to `end`, with the parts in which something may be found."""

    __slots__ = ("end", "parts", "start")

    def __init__(self, first: int, last: int, around: int) -> None:
        self.start = max(0, first - around)
        self.end = last + around
        self.parts = [(first, last)]

    def add(self, first: int, last: int, around: int) -> None:
        self.end = last + around
        before = self.parts[-1]
        if first <= before[1]:
            self.parts[-1] = before[0], last
        else:
            self.parts.append((first, last))

    def holds(self, found: Found) -> bool:
        at = bisect_right(self.parts, found.start, key=lambda part: part[1])
        return at < len(self.parts) and self.parts[at][0] < found.end


def find_nearby(detector: Detector, text: str, encoded: bytes) -> Iterable[Found]:
    """What `detector.find(text)` gives; `encoded` is the same text."""
    if not detector.reach or len(text) <= SHORT:
        return detector.find(text)
    stretches = _stretches(detector, text, encoded)
    if stretches is None:
        return detector.find(text)
    found: list[Found] = []
    for stretch in stretches:
        start, end = stretch.start, min(stretch.end, len(text))
        for one in detector.find(text[start:end]):
            one = one._replace(start=one.start + start, end=one.end + start)
            if not stretch.holds(one):
                continue
            if (start and one.start - start < _CUT) or (end < len(text) and end - one.end < _CUT):
                return detector.find(text)
            found.append(one)
    return found


def _stretches(detector: Detector, text: str, encoded: bytes) -> list[_Stretch] | None:
    """None where they would be most of the text: one call is cheaper then."""
    character, reach = Characters(encoded), detector.reach
    around, left = reach + _MORE, len(text) // 2
    stretches: list[_Stretch] = []
    for place in _pattern(detector.places or detector.gate).finditer(encoded):
        start, end = place.span()
        left -= _PER_PLACE
        first, last = max(0, character(start) - reach), character(end) + reach
        if stretches and first - around <= stretches[-1].end:
            left -= last + around - stretches[-1].end
            stretches[-1].add(first, last, around)
        else:
            stretches.append(_Stretch(first, last, around))
            left -= last - first + 2 * around
        if left < 0:
            return None
    return stretches


@cache
def _pattern(source: str) -> Pattern:
    return compiled(source)
