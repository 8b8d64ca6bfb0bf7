"""The operator's own words and patterns (`[[privacy.terms]]`), thousands of them in one pass.

All words are one RE2 automaton, so that their number costs nothing at run time; RE2 has no backtracking, so that no
pattern of an operator's can be slow. Texts and words are compared in their folded spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.core.errors import Misconfigured
from tidegate.privacy import rules
from tidegate.privacy.patterns.folding import Folded
from tidegate.privacy.patterns.found import CHECKED, Found
from tidegate.privacy.patterns.gates import Characters, Gates, Pattern, PatternError, compiled, escaped


@dataclass(frozen=True, slots=True)
class Terms:
    """One table `[[privacy.terms]]`."""

    name: str
    terms: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class TermFinder:
    """Finds all words and patterns of all tables."""

    def __init__(self, tables: Sequence[Terms]) -> None:
        self._names = _names(tables)
        self._words = _automaton(list(self._names))
        written = [(pattern, table, number) for table in tables for number, pattern in enumerate(table.patterns, 1)]
        self._patterns = [(_compiled(*row), row[1].name) for row in written]
        self._gates = Gates([pattern for pattern, _, _ in written]) if written else None

    def find(self, encoded: bytes) -> Iterator[Found]:
        """Places are characters of the text that was encoded."""
        if self._words is not None:
            yield from self._find_words(self._words, encoded)
        if self._gates is None:
            return
        for number in self._gates.matching(encoded):
            pattern, name = self._patterns[number]
            place = Characters(encoded)
            for found in pattern.finditer(encoded):
                start, end = found.span()
                if end > start:
                    yield Found(place(start), place(end), rules.PATTERN, CHECKED, label=name)

    def _find_words(self, words: Pattern, encoded: bytes) -> Iterator[Found]:
        place, at = Characters(encoded), 0
        while found := words.search(encoded, at):
            start, end = found.span()
            start, end, name = self._named(encoded, start, end)
            yield Found(place(start), place(end), rules.TERM, CHECKED, label=name)
            at = end

    def _named(self, encoded: bytes, start: int, end: int) -> tuple[int, int, str]:
        """The word without an underscore that only separates it, and its table."""
        ends = (end, end - 1) if encoded[end - 1 : end] == b"_" else (end,)
        for first in (start, start + 1) if encoded[start : start + 1] == b"_" else (start,):
            for last in ends:
                if name := self._names.get(_plain(encoded[first:last].decode())):
                    return first, last, name
        # RE2 and Python fold a few letters differently (Kelvin's sign, dotted I): ask RE2 which one it was.
        word = encoded[start:end]
        for term, name in self._names.items():
            if compiled(f"(?i){_escaped(term)}").search(word):
                return start, end, name
        raise RuntimeError("a word was found that is none of the configured ones")


def _plain(term: str) -> str:
    """A word as it is compared: folded, in any case, with single spaces."""
    return " ".join(Folded(term).text.casefold().split())


def _names(tables: Sequence[Terms]) -> dict[str, str]:
    names: dict[str, str] = {}
    for table in tables:
        for number, term in enumerate(table.terms, 1):
            plain = _plain(term)
            if not plain:
                raise Misconfigured(f"[[privacy.terms]] {table.name} terms: number {number} is empty")
            other = names.setdefault(plain, table.name)
            if other != table.name:
                raise Misconfigured(
                    f"[[privacy.terms]] {table.name} terms: number {number} is already one of {other}'s"
                )
    return names


def _automaton(terms: list[str]) -> Pattern | None:
    """None without words. `\\b` of RE2 knows ASCII only, so that words stand out of Chinese text."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for term in terms:
        edges = tuple(r"(?:\b|_)" if edge.isascii() and edge.isalnum() else "" for edge in (term[0], term[-1]))
        kinds.setdefault((edges[0], edges[1]), []).append(_escaped(term))
    if not kinds:
        return None
    every = [f"{before}(?:{'|'.join(words)}){after}" for (before, after), words in kinds.items()]
    return compiled(f"(?i){'|'.join(every)}", longest=True)


def _escaped(term: str) -> str:
    return r"\s+".join(escaped(part) for part in term.split())


def _compiled(pattern: str, table: Terms, number: int) -> Pattern:
    where = f"[[privacy.terms]] {table.name} patterns: number {number}"
    try:
        found = compiled(pattern)
    except (PatternError, UnicodeEncodeError):
        raise Misconfigured(f"{where} is no regular expression of RE2's syntax") from None
    if found.fullmatch("") is not None:
        raise Misconfigured(f"{where} matches the empty text, so it would find everything")
    return found
