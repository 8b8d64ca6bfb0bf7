"""Arguments from schemas: required ones, of the right type, the same each time, and an end to every recursion."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.simulator.arguments import Inventor, words_of


def made(schema: dict[str, Any], text: str = "What is the weather in Paris?") -> Any:
    return Inventor(text).arguments({"type": "object", "properties": {"x": schema}, "required": ["x"]})["x"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "Paris"),
        ({"type": "string", "enum": ["c", "f"]}, "c"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "string", "examples": ["e"]}, "e"),
        ({"type": "string", "format": "ipv4"}, "192.0.2.1"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number", "maximum": 0}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array"}, []),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 0}, []),
        ({"type": "array", "minItems": 1}, ["Paris"]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 30}, [True] * 30),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 2}, [True] * 2),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "multipleOf": 4, "minimum": 1}, 4),
        ({"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5),
        ({"type": "object"}, {}),
        ({"properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a", "missing"]}, {"a": 1}),
        ({"anyOf": [{"type": "object"}, {"type": "boolean"}]}, True),
        ({"anyOf": []}, "Paris"),
        ({"$ref": "#/nowhere"}, "Paris"),
        ({}, "Paris"),
    ],
)
def test_the_schema_says_what_fits(schema, value):
    assert made(schema) == value


def test_a_number_of_the_text_is_taken_and_kept_in_range():
    assert made({"type": "integer"}, "Give me 12 of them") == 12
    assert made({"type": "integer", "maximum": 10}, "Give me 12 of them") == 10


def test_without_a_capitalised_word_a_string_is_named_after_its_property():
    assert made({"type": "string"}, "hello") == "x"
    assert words_of("Paris is in France, not in New-York") == ("France", "New-York")


def test_references_and_recursion_come_to_an_end():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    schema = {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "required": ["root"],
        "$defs": {"node": node},
    }
    found = Inventor("").arguments(schema)
    depth = 0
    while found:
        found, depth = next(iter(found.values())), depth + 1
    assert 3 < depth < 20
    loop = {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/a"}},
        "required": ["x"],
        "$defs": {"a": {"$ref": "#/$defs/a"}},
    }
    assert Inventor("").arguments(loop) == {"x": "x"}


def test_arrays_of_arrays_come_to_an_end():
    schema: dict[str, Any] = {"type": "boolean"}
    for _ in range(7):
        schema = {"type": "array", "items": schema, "minItems": 50}
    assert str(made(schema)).count("True") < 2000


def test_no_parameters_are_no_arguments():
    assert Inventor("").arguments(None) == {}
    assert Inventor("").arguments({"type": "string"}) == {}
