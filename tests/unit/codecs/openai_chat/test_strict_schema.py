"""Strict tools: the grammar of their schemas in serde's words, and the rules of each object in it."""

from __future__ import annotations

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.strict_schema import check_objects, check_strict, read_schema
from tidegate.core.errors import ClientMistake

CONTRACT = contract_named(DEFAULT_PROFILE)
ONE_OF = "one of `type`, `anyOf`, `$ref` field is required"
KINDS = "`object`, `string`, `number`, `integer`, `boolean`, `array`, `null`"
SCALARS = "`string`, `number`, `integer`, `boolean`, `null`"


def holding(schema: object) -> dict:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"]}


def refused(parameters: object, *, quoting: bool = True) -> str:
    with pytest.raises(ClientMistake) as caught:
        check_strict(parameters, CONTRACT, quoting=quoting)
    return caught.value.message


@pytest.mark.parametrize(
    "schema",
    [
        *({"type": "string", "enum": ["a"], "pattern": "(", "format": "uuid"}, {"type": "string", "minLength": "x"}),
        *({"type": "integer", "minimum": -5, "multipleOf": None}, {"type": "number", "exclusiveMaximum": 1.5}),
        *({"type": ["string", "null"]}, {"type": []}, {"$ref": "#"}, {"anyOf": [{"type": "null"}]}, {"anyOf": []}),
        *({"type": "array", "items": {"type": "boolean"}}, holding({"type": "string"}), {"type": "boolean", "enum": 5}),
    ],
)
def test_every_form_of_schema_passes(schema):
    check_strict(holding(schema), CONTRACT, quoting=False)


@pytest.mark.parametrize("parameters", [None, {"type": "object"}, {"type": "object", "$defs": {"a": 5}, "title": 5}])
def test_a_tool_may_have_no_parameters(parameters):
    check_strict(parameters, CONTRACT, quoting=False)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        *((schema, ONE_OF) for schema in ({}, True, [], None, {"oneOf": []}, {"enum": ["a"]}, {"const": 1})),
        ({"type": "zz"}, f"unknown variant `zz`, expected one of {KINDS}"),
        ({"type": 5}, "invalid type: integer `5`, expected variant identifier"),
        ({"type": ["object"]}, f"field `type`: unknown variant `object`, expected one of {SCALARS}"),
        ({"type": ["null", 5]}, "field `type`: invalid type: integer `5`, expected string or map"),
        ({"$ref": 5}, "field `$ref`: invalid type: integer `5`, expected a string"),
        ({"anyOf": 5}, "field `anyOf`: invalid type: integer `5`, expected a sequence"),
        ({"anyOf": [{}]}, "field `anyOf`: missing field `type`"),
        ({"type": "array"}, "missing field `items`"),
        ({"type": "array", "items": {}}, ONE_OF),
        ({"type": "string", "enum": [5]}, "invalid type: integer `5`, expected a string"),
        (
            {"type": "string", "format": "date"},
            "unknown variant `date`, expected one of `email`, `hostname`, `ipv4`, `ipv6`, `uuid`",
        ),
        ({"type": "number", "minimum": "x"}, 'invalid type: string "x", expected a JSON number'),
        ({"type": "integer", "const": 1.5}, "invalid type: floating point `1.5`, expected i64"),
        ({"type": "integer", "const": 2**63}, "invalid value: integer `9223372036854775808`, expected i64"),
        ({"type": "object", "properties": 5}, "invalid type: integer `5`, expected a map"),
        ({"type": "object", "additionalProperties": {}}, "invalid type: map, expected a boolean"),
    ],
)
def test_what_the_grammar_does_not_have_is_refused(schema, said):
    assert refused(holding(schema)) == f"Invalid tool parameters schema : {said}"


def test_a_clients_words_are_left_out_unless_it_may_see_them():
    assert "my secret" not in refused(holding({"type": "my secret plan"}), quoting=False)
    assert "my secret" not in refused({"type": "object", "required": ["my secret plan"]}, quoting=False)
    assert "my secret" in refused(holding({"type": "my secret plan"}))


EMPTY = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"type": "string"}, "The top level of the function parameters schema must be an object."),
        ({"anyOf": [EMPTY]}, "The top level of the function parameters schema must be an object."),
        (holding(EMPTY), "An object with no properties is not allowed."),
        ({"type": "array", "items": EMPTY}, "An object with no properties is not allowed."),
        ({**EMPTY, "additionalProperties": True}, "additionalProperties should not be true"),
        ({**EMPTY, "required": ["y"]}, "Required property 'y' not found in object"),
        (
            {**holding({"type": "null"}), "required": []},
            "Required properties must match all properties in the object",
        ),
        (
            {**holding({"type": "null"}), "required": [], "additionalProperties": True},
            "Required properties must match all properties in the object",
        ),
        ({**holding(EMPTY), "required": []}, "An object with no properties is not allowed."),
    ],
)
def test_each_object_keeps_the_rules_the_inner_one_first(parameters, said):
    assert refused(parameters) == said


def test_required_may_be_left_out_altogether():
    check_strict({"type": "object", "properties": {"x": {"type": "string"}}}, CONTRACT, quoting=False)


def test_an_answers_schema_may_not_be_empty_at_the_top():
    with pytest.raises(ClientMistake, match="no properties"):
        check_objects(read_schema(EMPTY), CONTRACT, may_be_empty=False, quoting=False)
