"""What one detector says to the scanner, and the edges that every detector keeps.

`\\b` of Python's `re` takes Chinese characters for letters, so that a value glued to Chinese text would be missed
(facts of 2026-11-22: five of seven glued values were, by the best-known library). Edges here know ASCII only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tidegate.core.findings import Checksum

CHECKED, SHAPED, CUED = 3, 2, 1
"""How strong a find is: its check digits or its own prefix prove it; its shape is rare; only a word before it says so."""

_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ESCAPED = frozenset("nrtbf")
CUE_REACH = 48
"""How far before a value its cue word may stand, in characters: a constant, so that looking for it stays linear."""


class Found(NamedTuple):
    """Characters `start` to `end` of the folded text, and the rule that found them."""

    start: int
    end: int
    code: str
    strength: int = SHAPED
    checksum: Checksum = "none"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Detector:
    """`gate` is an RE2 pattern: where it does not match, `find` has nothing to find and is not called.

    With a `reach`, all that is found stands at most so many characters from a match of `places` (of the gate, if there are
    none): a long text is then looked at around these only.
    """

    name: str
    gate: str
    find: Callable[[str], Iterable[Found]]
    reach: int = 0
    places: str = ""


class Regex:
    """A pattern that is compiled when it is first used: most of them never are, and together they take 40 ms."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    @cached_property
    def search(self) -> Callable[..., re.Match[str] | None]:
        return self._compiled.search

    @cached_property
    def match(self) -> Callable[..., re.Match[str] | None]:
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> Callable[..., re.Match[str] | None]:
        return self._compiled.fullmatch

    @cached_property
    def finditer(self) -> Callable[..., Iterator[re.Match[str]]]:
        return self._compiled.finditer


def opens(text: str, at: int) -> bool:
    """Whether a value may begin here: not inside an ASCII word. `\\n` written out, as in JSON, is no word."""
    return at == 0 or text[at - 1] not in _WORD or (at > 1 and text[at - 2] == "\\" and text[at - 1] in _ESCAPED)


def closes(text: str, at: int) -> bool:
    """Whether a value may end here."""
    return at >= len(text) or text[at] not in _WORD


def cued(cue: Regex, text: str, start: int, reach: int = CUE_REACH) -> bool:
    """Whether a cue word stands closely before."""
    return cue.search(text, max(0, start - reach), start) is not None
