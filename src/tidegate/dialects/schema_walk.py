"""The inside of a JSON Schema: which members hold schemas, where references lead, how much following them costs. Pure.

Only references into the same document are followed, `#` and `#/...`: no runtime's grammar resolves others, and nothing may
be fetched for a client. Knows no request and no runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from tidegate.core.jsonvalue import as_list, as_object

_ONE = frozenset(
    {
        *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
        *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
_LISTED = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
_SHELVES = frozenset({"$defs", "definitions"})
"""Members whose schemas count only where a reference leads to them."""
_ELSEWHERE = frozenset({"$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"})

MOST_NODES = 10_000
"""How many schemas one may unfold to when its references are followed. Measured 2026-11-24 with jsonschema-rs 0.60.3:
forty definitions that name the next one twice would be checked 2**40 times."""
MOST_DEEP = 200


class Unfit(Exception):
    """Why a schema is not used here, in words that hold nothing of it."""


def gauge(schema: Any) -> int:
    """How many schemas it unfolds to. Raises `Unfit` for one that is too large, or that refers to what is not in it."""
    return _Gauge(schema).weight(schema, 0)


class _Gauge:
    """Each schema is weighed once; one that holds itself counts once per round, as a validator remembers those."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._weights: dict[int, int] = {}

    def weight(self, schema: Any, deep: int) -> int:
        fields = as_object(schema)
        if fields is None:
            return 1
        if (known := self._weights.get(id(fields))) is not None:
            return known
        if deep > MOST_DEEP:
            raise Unfit("it is nested too deeply")
        if not _ELSEWHERE.isdisjoint(fields) or ("$id" in fields and fields is not self._document):
            raise Unfit("it refers to schemas otherwise than by `$ref` into itself")
        self._weights[id(fields)] = 0
        weight = 1 + sum(self.weight(inner, deep + 1) for inner in _applied(fields))
        if "$ref" in fields:
            weight += self.weight(_found(self._document, fields["$ref"]), deep + 1)
        if weight > MOST_NODES:
            raise Unfit("it is too large when its references are followed")
        self._weights[id(fields)] = weight
        return weight


def _applied(fields: dict[str, Any]) -> Iterator[Any]:
    for name, value in fields.items():
        items = as_list(value)
        if name in _ONE and items is None:
            yield value
        elif name in _LISTED:
            yield from items or ()
        elif name in _NAMED:
            yield from (as_object(value) or {}).values()


def _found(document: Any, reference: Any) -> Any:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise Unfit("a `$ref` leads out of it")
    place = document
    for step in reference[2:].split("/") if reference != "#" else ():
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        fields, items = as_object(place), as_list(place)
        if fields is not None and name in fields:
            place = fields[name]
        elif items is not None and name.isdecimal() and int(name) < len(items):
            place = items[int(name)]
        else:
            raise Unfit("a `$ref` leads to nothing")
    return place


def refers(schema: Any) -> bool:
    """Whether any schema in it has a reference."""
    fields = as_object(schema)
    return fields is not None and ("$ref" in fields or any(refers(inner) for inner in _inner(fields)))


def _inner(fields: dict[str, Any]) -> Iterator[Any]:
    yield from _applied(fields)
    for name in _SHELVES & fields.keys():
        yield from (as_object(fields[name]) or {}).values()


def moved(schema: Any, place: str) -> Any:
    """The same schema for a document in which it stands at `place`, a pointer such as `#/$defs/f0`."""

    def move(inner: Any) -> Any:
        fields = as_object(inner)
        return inner if fields is None else {name: _moved(name, value, place, move) for name, value in fields.items()}

    return move(schema)


def _moved(name: str, value: Any, place: str, move: Callable[[Any], Any]) -> Any:
    if name == "$ref" and isinstance(value, str):
        return place + value.removeprefix("#")
    items = as_list(value)
    if name in _ONE and items is None:
        return move(value)
    if name in _LISTED and items is not None:
        return [move(item) for item in items]
    if name in _NAMED or name in _SHELVES:
        fields = as_object(value)
        return value if fields is None else {key: move(item) for key, item in fields.items()}
    return value
