"""JSON Schemas for tools: of every form that a strict tool may have, and with faults that any validator finds."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

FAULTY: list[dict[str, Any]] = [
    *({"properties": 5}, {"required": 5}, {"required": ["a", "a"]}, {"required": ["a", 5]}, {"description": 5}),
    *({"minLength": -1}, {"minLength": 1.5}, {"multipleOf": 0}, {"enum": 5}, {"anyOf": []}, {"items": 5}),
    *({"$anchor": "a b"}, {"$id": 5}, {"$id": "a#b"}, {"$vocabulary": {"x": 5}}, {"uniqueItems": 5}, {"title": 5}),
    *({"dependentRequired": {"a": 5}}, {"dependencies": {"a": 5}}, {"definitions": {"a": {"type": 5}}}),
    *({"unevaluatedItems": 5}, {"contentEncoding": 5}, {"examples": 5, "title": 6}, {"$defs": {"a": {"type": []}}}),
    *({"pattern": "("}, {"$ref": "#/zz"}, {"$schema": "zz"}, {"properties": {"a": {"$ref": "x"}}}),
    {"$schema": "http://json-schema.org/draft-07/schema#", "exclusiveMinimum": True},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": 5},
]


def parameters(pick: Random) -> Any:
    kind = pick.random()
    if kind < 0.4:
        return {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    if kind < 0.6:
        return {"type": "object", **deepcopy(pick.choice(FAULTY))}
    return _schema(pick, 0)


def _schema(pick: Random, depth: int) -> Any:
    kind = pick.random()
    if depth > 2 or kind < 0.35:
        return _leaf(pick)
    if kind < 0.7:
        return _object(pick, depth)
    if kind < 0.85:
        return {"type": "array", "items": _schema(pick, depth + 1)} if pick.random() < 0.9 else {"type": "array"}
    return {"anyOf": [_schema(pick, depth + 1) for _ in range(pick.randint(0, 3))]}


def _leaf(pick: Random) -> Any:
    return pick.choice(
        [
            {"type": "string"},
            {"type": "integer", "minimum": pick.choice([1, 1.5, "a", 2**63])},
            {"type": pick.choice(["zz", 5, ["string", "null"], ["object"], "null", "boolean", "number"])},
            {},
            5,
            {"type": "string", "enum": pick.choice([["a"], [5], 5]), "format": pick.choice(["email", "date", None, 5])},
            {"$ref": pick.choice(["#", 5])},
            {"type": "number", "multipleOf": pick.choice([1.5, "x", 0])},
            {"type": "string", "pattern": pick.choice(["a", 5]), "description": pick.choice(["d", 5, None])},
        ]
    )


def _object(pick: Random, depth: int) -> dict[str, Any]:
    names = pick.sample(["a", "b", "c"], pick.randint(0, 3))
    members: dict[str, Any] = {"type": "object", "properties": {name: _schema(pick, depth + 1) for name in names}}
    if pick.random() < 0.8:
        members["required"] = pick.choice([names, names, names[:1], [*names, "zz"]])
    if pick.random() < 0.4:
        members["additionalProperties"] = pick.choice([False, False, True, {}])
    order = list(members.items())
    pick.shuffle(order)
    return dict(order)
