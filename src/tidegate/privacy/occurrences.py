"""Where a value occurs in a text, however it is escaped there. Pure.

A short value is only one where it stands for itself: a name such as `Al` is not in `Also`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.privacy.readings import LEVELS, may_hide, readings, traced

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
        if anywhere or not (_goes_on(text, start) or _goes_on(text, end)):
            yield start, end
        start = text.find(value, start + 1)


def _is_long(value: str) -> bool:
    """By what it says: escapes make a short name long."""
    return len([value, *readings(value)][-1]) >= _LONG


def _goes_on(text: str, at: int) -> bool:
    """Whether one word of ASCII letters and digits has characters on both sides of this place."""
    around = text[max(at - 1, 0) : at + 1]
    return len(around) == 2 and around.isascii() and around.isalnum()


def occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    """In this text and in what can be read from it, as places of the text."""
    yield from found_in(text, value)
    if may_hide(text):
        for level, reading in enumerate(readings(text)):
            for start, end in found_in(reading, value):
                yield traced(text, level, start, end)


def occurs(text: str, values: tuple[str, ...], most: int = LEVELS) -> bool:
    """Whether any of the values is in this text or in what can be read from it."""
    said = [text, *(readings(text, most) if may_hide(text) else ())]
    return any(True for one in said for value in values for _ in found_in(one, value))
