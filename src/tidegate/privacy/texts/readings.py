"""What a text says once escapes are undone: a value written as `\\u0034111...` or `%34111...` is still one.

A model reads JSON, source code and URLs inside a text as easily as we do, so each level of escapes is read too. Every
reading knows where its characters stand in what was written, so that what is found in it can be masked there. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

LEVELS = 4
"""A JSON text in a JSON text in a JSON body has two; whoever needs more than four is hiding something."""

_UNIT = re.compile(
    r"[\\%](?:(?<=\\)(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}"
    r'|["\\/bfnrt])|(?<=%)[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*)'
)
"""Begins with a set of two characters: that is what `re` can look for quickly."""
_HARD = re.compile(r"[\\%](?:(?<=\\)[ux]|(?<=%))[0-9a-fA-F]{2}")
"""What the quick way below cannot undo."""
_ONE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SIMPLE = [(f"\\{letter}", meant) for letter, meant in _ONE.items() if letter != "\\"]


class Reading(NamedTuple):
    """`units` are the escapes: where each begins and ends in this text, and where in what was written."""

    text: str
    units: tuple[tuple[int, int, int, int], ...]

    def written(self, start: int, end: int) -> tuple[int, int]:
        """The characters that were read as these; an escape is never cut."""
        return self._back(start, at_end=False), self._back(end, at_end=True)

    def _back(self, position: int, *, at_end: bool) -> int:
        find = bisect_left if at_end else bisect_right
        before = find(self.units, position, key=lambda unit: unit[0]) - 1
        if before < 0:
            return position
        _, read_end, begin, end = self.units[before]
        if position < read_end:
            return end if at_end else begin
        return end + position - read_end


def may_hide(text: str) -> bool:
    """The quick first look: nearly no text of people has either."""
    return "\\" in text or "%" in text


def readings(text: str, most: int = LEVELS) -> list[str]:
    """The text with one level of escapes undone, with two, and so on, as long as that changes something."""
    found: list[str] = []
    while may_hide(text) and len(found) < most and (read := _undone(text)) != text:
        found.append(read)
        text = read
    return found


def is_settled(text: str) -> bool:
    """Whether `readings` got to the bottom of it."""
    found = readings(text)
    return len(found) < LEVELS or _undone(found[-1]) == found[-1]


class Trail:
    """The way back from what is read in a text to what is written there; each level's map is made once, if asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps: list[Reading] = []

    def back(self, level: int, start: int, end: int) -> tuple[int, int]:
        """Where in the text stands what reading number `level` (from 0) has between `start` and `end`."""
        while len(self._steps) <= level:
            self._steps.append(reading(self._steps[-1].text if self._steps else self._text))
        for step in reversed(self._steps[: level + 1]):
            start, end = step.written(start, end)
        return start, end


def reading(text: str) -> Reading:
    """One level undone, with its map."""
    pieces: list[str] = []
    units: list[tuple[int, int, int, int]] = []
    done, length = 0, 0
    for unit in _UNIT.finditer(text):
        begin, end = unit.span()
        meant = _meaning(unit)
        length += begin - done
        units.append((length, length + len(meant), begin, end))
        length += len(meant)
        pieces += (text[done:begin], meant)
        done = end
    return Reading("".join((*pieces, text[done:])), tuple(units))


def _undone(text: str) -> str:
    """`reading(text).text`, quicker where there are only the short escapes of JSON, as in most source code."""
    if _HARD.search(text) is not None:
        return _UNIT.sub(_meaning, text)
    if "\\\\" not in text:
        return _short(text)
    return "\\".join(_short(piece) for piece in text.split("\\\\"))


def _short(text: str) -> str:
    if "\\" in text:
        for written, meant in _SIMPLE:
            text = text.replace(written, meant)
    return text


def _meaning(unit: re.Match[str]) -> str:
    written = unit[0]
    if written[0] == "%":
        return bytes.fromhex(written.replace("%", "")).decode("utf-8", "replace")
    if len(written) == 2:
        return _ONE[written[1]]
    if len(written) == 12:
        return (bytes.fromhex(written[2:6]) + bytes.fromhex(written[8:])).decode("utf-16-be", "replace")
    meant = chr(int(written[2:], 16))
    # Half a surrogate pair is no character, and nothing could be done with it.
    return "\ufffd" if "\ud800" <= meant <= "\udfff" else meant
