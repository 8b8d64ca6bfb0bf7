"""The inside of a schema: what it unfolds to, where its references lead, and the same schema at another place."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.dialects.schema_walk import MOST_DEEP, MOST_NODES, Unfit, gauge, moved, refers

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"left": {"$ref": "#"}, "leaf": {"$ref": "#/$defs/leaf"}},
    "$defs": {"leaf": {"type": "integer"}},
}


def doubled(levels: int) -> dict[str, Any]:
    """Definitions that each name the next one twice."""
    shelf: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**shelf, f"d{levels}": {"type": "integer"}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "weight"),
    [
        (True, 1),
        ({}, 1),
        (CITY, 2),
        ({"anyOf": [CITY, {"type": "null"}]}, 4),
        ({"items": [{}, {}], "additionalItems": False}, 4),
        ({"dependencies": {"a": ["b"], "c": {}}}, 3),
        ({"$defs": {"unused": CITY}}, 1),
        ({"properties": {"a": {"$ref": "#/$defs/c"}, "b": {"$ref": "#/$defs/c"}}, "$defs": {"c": CITY}}, 7),
        ({"$ref": "#/prefixItems/1", "prefixItems": [{}, CITY]}, 6),
        ({"$ref": "#/$defs/a~1b%25~0", "$defs": {"a/b%~": CITY}}, 3),
        ({"const": {"$ref": "http://elsewhere"}, "enum": [{"$ref": "x"}]}, 1),
        ({"$id": "http://me", "properties": {"$ref": {"type": "string"}}}, 2),
    ],
)
def test_a_schema_weighs_what_it_unfolds_to(schema, weight):
    assert gauge(schema) == weight


def test_a_schema_that_holds_itself_is_counted_once():
    assert gauge(TREE) < 10


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "http://127.0.0.1:9/x.json"}, "leads out"),
        ({"$ref": "other.json#/a"}, "leads out"),
        ({"$ref": "#name"}, "leads out"),
        ({"$ref": 1}, "leads out"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "leads to nothing"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, "leads to nothing"),
        ({"$ref": "#/type", "type": "object", "$anchor": "a"}, "otherwise"),
        ({"properties": {"a": {"$id": "http://there", "type": "string"}}}, "otherwise"),
        ({"$dynamicRef": "#a"}, "otherwise"),
        (doubled(40), "too large"),
        (nested(MOST_DEEP + 2), "nested"),
    ],
)
def test_what_cannot_be_followed_or_not_cheaply_is_unfit(schema, why):
    with pytest.raises(Unfit, match=why):
        gauge(schema)


def test_a_chain_that_stays_small_is_fit():
    assert gauge(doubled(8)) < MOST_NODES


@pytest.mark.parametrize(
    ("schema", "does"),
    [
        (True, False),
        (CITY, False),
        (TREE, True),
        ({"$defs": {"a": {"not": {"$ref": "#"}}}}, True),
        ({"properties": {"$ref": {"type": "string"}}}, False),
        ({"const": {"$ref": "#"}}, False),
    ],
)
def test_whether_a_schema_refers_to_anything(schema, does):
    assert refers(schema) is does


def test_a_moved_schema_refers_to_its_new_place_and_is_otherwise_the_same():
    before = {**TREE, "items": [{"$ref": "#/$defs/leaf"}], "const": {"$ref": "#"}, "required": ["leaf"]}
    assert moved(before, "#/$defs/f0") == {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/f0"}, "leaf": {"$ref": "#/$defs/f0/$defs/leaf"}},
        "$defs": {"leaf": {"type": "integer"}},
        "items": [{"$ref": "#/$defs/f0/$defs/leaf"}],
        "const": {"$ref": "#"},
        "required": ["leaf"],
    }
    assert before["properties"]["left"] == {"$ref": "#"}, "the client's own is untouched"
