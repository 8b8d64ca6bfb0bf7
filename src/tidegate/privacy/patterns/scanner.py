"""Looks through one text and says what is where: the first tier of detection, patterns, check digits and terms.

One RE2 pass says which detectors have anything to look for; only those run. Pure: no file, no socket, no clock; whoever
calls it bounds its time and takes an exception for "nobody looked".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.core.findings import Finding
from tidegate.privacy.patterns.addresses import ADDRESSES
from tidegate.privacy.patterns.assignments import ASSIGNMENTS
from tidegate.privacy.patterns.credentials import CREDENTIALS
from tidegate.privacy.patterns.documents import DOCUMENTS
from tidegate.privacy.patterns.folding import NEEDS_FOLDING, Folded
from tidegate.privacy.patterns.found import Detector, Found
from tidegate.privacy.patterns.gates import Gates
from tidegate.privacy.patterns.keys import KEYS
from tidegate.privacy.patterns.national import NATIONAL
from tidegate.privacy.patterns.nearby import find_nearby
from tidegate.privacy.patterns.numbers import NUMBERS
from tidegate.privacy.patterns.settling import settle
from tidegate.privacy.patterns.terms import TermFinder, Terms
from tidegate.privacy.rules import GROUPS

__all__ = ["DETECTORS", "Scanner", "Terms"]

DETECTORS: tuple[Detector, ...] = (
    *NUMBERS,
    *ADDRESSES,
    *DOCUMENTS,
    *NATIONAL,
    *KEYS,
    *CREDENTIALS,
    *ASSIGNMENTS,
)
_FOLDING = len(DETECTORS)
_TOGETHER = 4_000
"""Characters up to which several texts are first looked at as one."""


class Scanner:
    """Holds no text: one scanner serves all requests and threads."""

    def __init__(self, terms: Sequence[Terms] = ()) -> None:
        self._gates = Gates([*(detector.gate for detector in DETECTORS), NEEDS_FOLDING])
        self._terms = TermFinder(terms) if terms else None

    def scan_all(self, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        """What was found in each. Short ones in which nothing is cost about as much as one: a line's end is an edge to every
        gate, so that none matches in a text alone and not in all together."""
        if self._terms is None and sum(map(len, texts)) <= _TOGETHER:
            _, encoded = _whole("\n".join(texts))
            if not self._gates.matching(encoded):
                return [()] * len(texts)
        return [self.scan(text) for text in texts]

    def scan(self, text: str) -> tuple[Finding, ...]:
        """What was found, in order and without overlaps; places are characters of `text`."""
        if not text:
            return ()
        text, encoded = _whole(text)
        open_gates = self._gates.matching(encoded)
        if not open_gates and self._terms is None:
            return ()
        folded: Folded | None = None
        if _FOLDING in open_gates:
            folded = Folded(text)
            text, encoded = _whole(folded.text)
            open_gates = self._gates.matching(encoded)
        found = self._look(text, encoded, open_gates)
        if not found:
            return ()
        return tuple(_finding(one, folded) for one in settle(found))

    def _look(self, text: str, encoded: bytes, open_gates: Iterable[int]) -> list[Found]:
        found: list[Found] = []
        for number in open_gates:
            if number != _FOLDING:
                found += find_nearby(DETECTORS[number], text, encoded)
        if self._terms is not None:
            found += self._terms.find(encoded)
        return found


def _finding(found: Found, folded: Folded | None) -> Finding:
    start, end = folded.place(found.start, found.end) if folded else (found.start, found.end)
    return Finding(found.code, GROUPS[found.code], start, end, found.checksum, found.label)


def _whole(text: str) -> tuple[str, bytes]:
    """Halves of surrogate pairs, which JSON can carry and UTF-8 cannot, become question marks: a character each."""
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "replace")
        return encoded.decode(), encoded
