"""The meta-schema as a table: each keyword's fault in the validator's words, and which fault comes first."""

from __future__ import annotations

import pytest

from tidegate.codecs.openai_chat.json_schema import check_schema
from tidegate.codecs.shapes import Misfit

NONE_OF = "is not valid under any of the schemas listed in the 'anyOf' keyword"


def refused(schema: object) -> str:
    with pytest.raises(Misfit) as caught:
        check_schema(schema)
    assert caught.value.bare.startswith(("value ", "Unknown meta-schema: value."))
    return caught.value.shown


@pytest.mark.parametrize(
    "schema",
    [
        *(
            True,
            False,
            {},
            {"type": "object"},
            {"type": ["object", "null"]},
            {"minLength": 2.0},
            {"format": "anything"},
        ),
        *({"properties": {"a": True, "b": {"enum": []}}}, {"additionalProperties": False}, {"default": {"type": 5}}),
        *(
            {"dependencies": {"a": ["b"], "c": {}}},
            {"$anchor": "a-1.b"},
            {"$id": "x#"},
            {"unknown": 5},
            {"const": None},
        ),
        *({"pattern": "("}, {"$ref": "#/nowhere"}, {"$schema": "https://json-schema.org/draft/2020-12/schema#"}),
        {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True},
    ],
)
def test_a_schema_passes(schema):
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (5, '5 is not of types "boolean", "object"'),
        ([], '[] is not of types "boolean", "object"'),
        ({"properties": {"a": {"items": "x"}}}, '"x" is not of types "boolean", "object"'),
        ({"properties": 5}, '5 is not of type "object"'),
        ({"required": True}, 'true is not of type "array"'),
        ({"required": ["a", "a", 5]}, '["a","a",5] has non-unique elements'),
        ({"required": ["a", 5]}, '5 is not of type "string"'),
        ({"anyOf": []}, "[] has less than 1 item"),
        ({"anyOf": [{"type": "zz"}]}, f'"zz" {NONE_OF}'),
        ({"type": []}, f"[] {NONE_OF}"),
        ({"type": ["object", "object"]}, f'["object","object"] {NONE_OF}'),
        ({"type": 5}, f"5 {NONE_OF}"),
        ({"dependencies": {"a": 5}}, f"5 {NONE_OF}"),
        ({"minimum": "a"}, '"a" is not of type "number"'),
        ({"multipleOf": 0}, "0 is less than or equal to the minimum of 0"),
        ({"maxItems": 1.5}, '1.5 is not of type "integer"'),
        ({"maxItems": -1}, "-1 is less than the minimum of 0"),
        ({"uniqueItems": 1}, '1 is not of type "boolean"'),
        ({"$vocabulary": {"x": 5}}, '5 is not of type "boolean"'),
        ({"$anchor": "a b"}, '"a b" does not match "^[A-Za-z_][-A-Za-z0-9._]*$"'),
        ({"$id": "a#b"}, '"a#b" does not match "^[^#]*#?$"'),
        ({"dependentRequired": {"a": 5}}, '5 is not of type "array"'),
        (
            {"$schema": "zz"},
            "Unknown meta-schema: 'zz'. Custom meta-schemas must be registered in the registry before use",
        ),
    ],
)
def test_a_fault_is_said_in_the_validators_words(schema, said):
    assert refused(schema) == said


@pytest.mark.parametrize(
    ("schema", "first"),
    [
        ({"title": 1, "format": 2, "type": 3}, "3"),
        ({"required": 1, "properties": {"x": {"type": 2}}}, "2"),
        ({"properties": {"x": {"type": 1}}, "items": {"type": 2}}, "1"),
        ({"items": {"type": 2}, "properties": {"x": {"type": 1}}}, "2"),
        ({"properties": {"x": {"type": 1}}, "$defs": {"x": {"type": 2}}}, "2"),
        ({"$id": 1, "definitions": 2}, "2"),
        ({"unevaluatedProperties": 1, "unevaluatedItems": 2}, "2"),
        ({"title": 5, "$schema": "zz"}, "5"),
    ],
)
def test_vocabularies_come_one_after_the_other_and_members_as_in_the_document(schema, first):
    assert refused(schema).startswith(f"{first} is not")


def test_of_very_many_items_only_texts_are_compared():
    """The others are refused anyway; the oracle would say first that they repeat."""
    for items, said in (([5] * 1000, "non-unique"), ([5] * 1001, 'not of type "string"'), (["a"] * 1001, "non-unique")):
        with pytest.raises(Misfit, match=said):
            check_schema({"required": items})
