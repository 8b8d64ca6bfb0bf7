"""Where a value occurs in a text, however it is escaped there. Pure.

A short value is only one where it stands for itself: a name such as `Al` is not in `Also`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.privacy.texts.readings import LEVELS, Trail, may_hide, readings

_LONG = 8
"""From this length on a value is one wherever its characters are."""
BODY_LEVELS = LEVELS + 2
"""A body is JSON, and a call's arguments are JSON in it."""


def found_in(text: str, value: str) -> Iterator[tuple[int, int]]:
    """In this text as it stands."""
    start = text.find(value)
    anywhere = start >= 0 and _is_long(value)
    while start >= 0:
        end = start + len(value)
        if stands := anywhere or not (_goes_on(text, start) or _goes_on(text, end)):
            yield start, end
        start = text.find(value, end if stands else start + 1)


def _is_long(value: str) -> bool:
    """By what it says: escapes make a short name long."""
    return len([value, *readings(value)][-1]) >= _LONG


def _goes_on(text: str, at: int) -> bool:
    """Whether one word of ASCII letters and digits has characters on both sides of this place."""
    around = text[max(at - 1, 0) : at + 1]
    return len(around) == 2 and around.isascii() and around.isalnum()


def occurrences(text: str, values: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Each value in this text and in what can be read from it, with its place in the text."""
    said = readings(text) if may_hide(text) else []
    trail = Trail(text)
    for value in values:
        for start, end in found_in(text, value):
            yield value, start, end
        for level, one in enumerate(said):
            for start, end in found_in(one, value):
                yield value, *trail.back(level, start, end)


def occurs(text: str, values: tuple[str, ...], most: int = LEVELS) -> bool:
    """Whether any of the values is in this text or in what can be read from it."""
    said = [text, *(readings(text, most) if may_hide(text) else ())]
    return any(True for one in said for value in values for _ in found_in(one, value))
