"""The first pass: one RE2 automaton over a text that says which of many patterns match anywhere in it.

About 2 us per 1,000 characters for all patterns together, without the interpreter's lock (facts of 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol

# It has no types; this is the one module that knows it.
_RE2: Any = import_module("re2")
PatternError: type[Exception] = _RE2.error
_MEMORY = 64 << 20

EDGE = r"(?:\b|\\[nrtbf])"
"""Where a value may begin, for gates: not inside an ASCII word. A gate that may begin anywhere with a common character
makes RE2 follow it from everywhere at once, and a kilobyte of minified script cost a hundred times as much."""


class Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...
    def span(self) -> tuple[int, int]: ...


class Pattern(Protocol):
    """RE2's compiled pattern. Places are of what it is given: bytes or characters."""

    def search(self, text: str | bytes, pos: int = 0) -> Match | None: ...
    def fullmatch(self, text: str | bytes) -> Match | None: ...
    def finditer(self, text: str | bytes) -> Iterator[Match]: ...


def _options(longest: bool) -> Any:
    """Much room for its tables, and no words on standard error, where a pattern could be told."""
    options = _RE2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.longest_match = longest
    return options


def compiled(pattern: str, *, longest: bool = False) -> Pattern:
    found: Pattern = _RE2.compile(pattern, _options(longest))
    return found


def escaped(text: str) -> str:
    return str(_RE2.escape(text))


class Characters:
    """Places in bytes to places in characters, walking forward."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        self._ascii = encoded.isascii()
        self._byte = self._character = 0

    def __call__(self, byte: int) -> int:
        if self._ascii:
            return byte
        self._character += len(self._encoded[self._byte : byte].decode())
        self._byte = byte
        return self._character


class _Automaton:
    """Some of the patterns, each with its number among all."""

    def __init__(self, patterns: Sequence[tuple[int, str]]) -> None:
        self._set: Any = _RE2.Set.SearchSet(_options(False))
        # RE2 says nothing when it runs out of memory, it just reports no match. This one always matches, so that its
        # absence shows that nobody looked.
        self._set.Add(r"\A")
        for _, pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()
        self._numbers = [number for number, _ in patterns]

    def matching(self, encoded: bytes) -> list[int]:
        found: list[int] = self._set.Match(encoded)
        if found == [0]:
            return []
        if 0 not in found:
            raise RuntimeError("the first pass of detection did not finish")
        return [self._numbers[number - 1] for number in found if number]


class Gates:
    """`matching` gives the numbers of the patterns that match, in their order.

    There are two automata, one of words in any case and one of shapes. A state of RE2's is a combination of all that has
    begun to match, and is made when it is first met: a text of a new kind met two to three times as many states of one
    automaton of both, at 1 us each.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        kinds: dict[bool, list[tuple[int, str]]] = {}
        for number, pattern in enumerate(patterns):
            kinds.setdefault(pattern.startswith("(?i)"), []).append((number, pattern))
        self._automata = [_Automaton(kind) for kind in kinds.values()]

    def matching(self, encoded: bytes) -> list[int]:
        found: list[int] = []
        for automaton in self._automata:
            found += automaton.matching(encoded)
        found.sort()
        return found
