"""Other spellings of the same characters to plain ones, and every place back to where it stood in the original.

Full-width and other digits and letters, the many spaces and dashes, characters without width, and `\\u0031` as JSON writes
it. Most texts need none of it: `NEEDS_FOLDING` is part of the scanner's first pass. Masking cuts the original by the
places that are given back here, so they are exact.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

from tidegate.privacy.patterns.found import Regex

_INVISIBLE = "\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\u20e3"
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_DASHES = "\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d"
NEEDS_FOLDING = (
    r"[\x{ff10}-\x{ff19}\x{ff20}-\x{ff5a}\x{ff0b}\x{ff0e}\x{ff0f}\x{ff1d}\x{660}-\x{669}\x{6f0}-\x{6f9}\x{966}-\x{96f}"
    r"\x{2460}-\x{2469}\x{1d400}-\x{1d7ff}\x{ad}\x{34f}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}"
    r"\x{feff}\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"
    r"|[0-9A-Za-z)][\x{2010}-\x{2015}\x{2043}\x{2212}\x{fe58}\x{fe63}\x{ff0d}][0-9A-Za-z(]"
    r"|[0-9][\x{fe00}-\x{fe0f}\x{20e3}]|\\u[0-9A-Fa-f]{4}"
)
_PROSE = "，；！？（）"
"""Marks of Chinese prose: they end a value, and their ASCII twins could be a part of it."""
_ESCAPE = r"\\u([0-9A-Fa-f]{4})"
_CHANGING, _ESCAPES, _HIDDEN = Regex(rf"{_ESCAPE}|[{_INVISIBLE}]"), Regex(_ESCAPE), Regex(f"[{_INVISIBLE}]")
_SPACE, _DASH = Regex(f"[{_SPACES}]"), Regex(f"[{_DASHES}]")


class _Table(dict[int, int]):
    """One character for one; filled as characters are met, because all of Unicode would cost every start."""

    def __missing__(self, code: int) -> int:
        self[code] = plain = ord(_plain(chr(code)))
        return plain


def _plain(character: str) -> str:
    if character in _PROSE:
        return character
    if _SPACE.match(character):
        return " "
    if _DASH.match(character):
        return "-"
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", character)
    return normal if len(normal) == 1 and normal.isascii() else character


_TABLE = _Table()
_FEW = 64
"""So many characters are quicker replaced one by one than all of the text looked up."""


def _spelled_plainly(text: str, characters: set[str]) -> str:
    """`characters` are those of the text, and perhaps more."""
    others = [character for character in characters if character > "\x7f" and _TABLE[ord(character)] != ord(character)]
    if len(others) > _FEW:
        return text.translate(_TABLE)
    for character in others:
        text = text.replace(character, chr(_TABLE[ord(character)]))
    return text


class Folded:
    """`text` is the plain spelling; `place(start, end)` says where that stood."""

    __slots__ = ("_at", "_from", "_wide", "text")

    def __init__(self, original: str) -> None:
        self._at: list[int] = [0]
        self._from: list[int] = [0]
        self._wide: dict[int, int] = {}
        parts: list[str] = []
        done = length = 0
        characters = set[str]() if original.isascii() else set(original)
        changing = _CHANGING if _HIDDEN.search("".join(characters)) else _ESCAPES
        for change in changing.finditer(original):
            before = original[done : change.start()]
            parts.append(before)
            length += len(before)
            if change[1]:
                parts.append(meant := chr(int(change[1], 16)))
                characters.add(meant)
                self._wide[length] = len(change[0])
                length += 1
            done = change.end()
            self._at.append(length)
            self._from.append(done)
        parts.append(original[done:])
        self.text = _spelled_plainly("".join(parts), characters)

    def place(self, start: int, end: int) -> tuple[int, int]:
        last = end - 1
        return self._origin(start), self._origin(last) + self._wide.get(last, 1)

    def _origin(self, place: int) -> int:
        step = bisect_right(self._at, place) - 1
        return self._from[step] + place - self._at[step]
