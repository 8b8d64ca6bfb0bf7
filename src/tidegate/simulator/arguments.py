"""A plausible value for a JSON Schema, the same for the same schema and words. Pure.

Not a validator: it takes the first way a schema offers. Required properties are filled, others left out; a string without
constraints is the last capitalised word of what the user wrote ("Paris" of "the weather in Paris?"). Bounds of numbers and
of array lengths are kept; patterns, lengths of strings, `uniqueItems` and conditions are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tidegate.core.jsonvalue import as_list, as_object
from tidegate.simulator.bounds import number_within

_DEEPEST = 8
_MOST_ITEMS = 2000
_NOTHING: Any = object()
_CAPITALISED = re.compile(r"(?<=\s)[A-Z][\w-]+")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?![\w.])")
_FORMATS = {
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "uri": "https://example.com/",
}


def words_of(text: str) -> tuple[str, ...]:
    """The words of a user's text that may become arguments: capitalised ones that do not begin it."""
    return tuple(_CAPITALISED.findall(text))


class Inventor:
    """Values for the schemas of one request. `text` is what the user wrote."""

    def __init__(self, text: str) -> None:
        self._words = words_of(text)
        self._left = _MOST_ITEMS
        self._numbers = [int(number) for number in _NUMBER.findall(text)]

    def arguments(self, schema: dict[str, Any] | None) -> dict[str, Any]:
        value = self.value(schema or {}, "value", schema or {}, 0)
        return as_object(value) or {}

    def value(self, schema: dict[str, Any], name: str, root: dict[str, Any], depth: int) -> Any:
        schema = _resolved(schema, root)
        if (given := _given(schema)) is not _NOTHING:
            return given
        for key in ("anyOf", "oneOf"):
            if ways := as_list(schema.get(key)):
                return self.value(_simplest(ways, root), name, root, depth + 1) if depth < _DEEPEST else None
        match _kind(schema):
            case "object":
                return self._object(schema, root, depth)
            case "array":
                return self._array(schema, name, root, depth)
            case "integer" | "number" as kind:
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _object(self, schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = as_object(schema.get("properties")) or {}
        if depth >= _DEEPEST:
            return {}
        wanted: Sequence[Any] = as_list(schema.get("required")) or ()
        return {
            name: self.value(as_object(properties[name]) or {}, name, root, depth + 1)
            for name in wanted
            if name in properties
        }

    def _array(self, schema: dict[str, Any], name: str, root: dict[str, Any], depth: int) -> list[Any]:
        items, least = as_object(schema.get("items")), _count(schema.get("minItems"))
        if depth >= _DEEPEST or (items is None and not least):
            return []
        count = max(1, least or 0)
        if (most := _count(schema.get("maxItems"))) is not None:
            count = min(count, most)
        found: list[Any] = []
        while len(found) < count and self._left:
            self._left -= 1
            found.append(self.value(items or {}, name, root, depth + 1))
        return found

    def _number(self, schema: dict[str, Any], *, whole: bool) -> int | float:
        wished = self._numbers[0] if self._numbers else 1
        return number_within(schema, wished, whole=whole)

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if known := _FORMATS.get(str(schema.get("format"))):
            return known
        return self._words[-1] if self._words else name


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _given(schema: dict[str, Any]) -> Any:
    """The value that the schema itself names."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if choices := as_list(schema.get(key)):
            return choices[0]
    return _NOTHING


def _kind(schema: dict[str, Any]) -> str:
    kind: Any = schema.get("type")
    if kinds := as_list(kind):
        kind = next((one for one in kinds if one != "null"), "null")
    if kind is None and "properties" in schema:
        return "object"
    return str(kind or "string")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follows `$ref` inside the document; one that leads nowhere means nothing."""
    for _ in range(_DEEPEST):
        reference: Any = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        place: Any = root
        for step in reference.removeprefix("#").split("/")[1:]:
            place = (as_object(place) or {}).get(step)
        schema = as_object(place) or {}
    return {}


def _simplest(ways: list[Any], root: dict[str, Any]) -> dict[str, Any]:
    """The first way that is no object, so that a recursive schema comes to its end; else the first."""
    options = [as_object(way) or {} for way in ways]
    plain = [way for way in options if _kind(_resolved(way, root)) not in ("object", "array", "null")]
    return (plain or options)[0]
