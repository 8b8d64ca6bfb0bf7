"""Texts inside JSON that came as values: schemas of tools, formats of answers, content parts that are carried unread.

Some of them only explain (a description, a file's name) and may be rewritten; the others mean something to a program, or
are data, and may only be read. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tidegate.core.jsonvalue import as_list, as_object
from tidegate.privacy.texts.blobs import visible

SCHEMA_WORDS = frozenset({"description", "title", "$comment"})
PART_WORDS = frozenset({"filename", "title", "name", "alt", "caption", "context"})
_NAMES_INSIDE = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Their keys are names that the client chose, not words of JSON Schema."""
_VALUES_INSIDE = frozenset({"const", "default", "enum", "examples"})
"""An answer must be able to hold these literally."""


class Walked(NamedTuple):
    """`value` anew, and all texts in it that may not be rewritten: keys, strings and numbers, in one."""

    value: Any
    fixed: str


class _Walk:
    def __init__(self, words: frozenset[str], change: Callable[[int, str], str]) -> None:
        self._words = words
        self._change = change
        self._count = 0
        self.fixed: list[str] = []

    def take(self, value: Any, *, free: bool, words_here: bool = True) -> Any:
        """`free`: the key before says that a string here only explains; `words_here`: keys in here are the format's."""
        if isinstance(value, str):
            return self._text(value, free)
        if (fields := as_object(value)) is not None:
            self.fixed += fields
            return {key: self._member(key, inner, words_here) for key, inner in fields.items()}
        if (items := as_list(value)) is not None:
            return [self.take(item, free=False, words_here=words_here) for item in items]
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.fixed.append(number_text(value))
        return value

    def _member(self, key: str, value: Any, words_here: bool) -> Any:
        if not words_here:
            # A name of the client's. Beneath is a schema again, or (under `default`) still a value.
            return self.take(value, free=False, words_here=isinstance(value, dict) and self._schemas_inside)
        if key in _VALUES_INSIDE:
            return self._closed(value, schemas_inside=False)
        if key in _NAMES_INSIDE:
            return self._closed(value, schemas_inside=True)
        return self.take(value, free=key in self._words)

    _schemas_inside = True

    def _closed(self, value: Any, *, schemas_inside: bool) -> Any:
        before, self._schemas_inside = self._schemas_inside, schemas_inside
        try:
            return self.take(value, free=False, words_here=False)
        finally:
            self._schemas_inside = before

    def _text(self, text: str, free: bool) -> str:
        if not free:
            self.fixed.append(visible(text))
            return text
        number, self._count = self._count, self._count + 1
        return self._change(number, text)


def walked(value: Any, words: frozenset[str], change: Callable[[int, str], str]) -> Walked:
    """`change` is given each text that may be rewritten, numbered in the order of the document."""
    walk = _Walk(words, change)
    changed = walk.take(value, free=False)
    return Walked(changed, "\n".join(filter(None, walk.fixed)))


def number_text(number: float) -> str:
    """As one would write it: a whole number without a point or a power of ten."""
    return str(int(number)) if number == number // 1 and abs(number) < 1e30 else str(number)
