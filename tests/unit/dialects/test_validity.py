"""Whether a value is what a schema asks for: offline, bounded, and without a word of the schema in an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tidegate
from tidegate.core.errors import NotSupported
from tidegate.dialects.checked_json import CHECKED_JSON
from tidegate.dialects.validity import Validity, object_in, value_in

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def validity(schema: Any) -> Validity:
    return Validity(schema, "response_format", CHECKED_JSON)


@pytest.mark.parametrize(
    ("schema", "value", "holds"),
    [
        (CITY, {"city": "Brest"}, True),
        (CITY, {"city": 1}, False),
        (CITY, {}, False),
        (True, None, True),
        (False, None, False),
        ({"$ref": "#/$defs/c", "$defs": {"c": CITY}}, {"city": ""}, True),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "definitions": {"c": {"type": "null"}},
                "items": {"$ref": "#/definitions/c"},
            },
            [1],
            False,
        ),
        ({"pattern": "^(?=a)a+$"}, "aaa", True),
        ({"type": "integer", "maximum": 5}, 10**30, False),
        ({"format": "email"}, "no address", True),
    ],
)
def test_a_value_holds_or_not(schema, value, holds):
    assert validity(schema).holds(value) is holds


def test_a_pattern_that_would_take_forever_does_not_hold():
    assert validity({"pattern": r"^(a+)+\1b\1$"}).holds("a" * 200) is False


@pytest.mark.parametrize("leaf", [{}, 1])
def test_a_value_as_deep_as_json_is_read_is_seen_to_its_leaf(leaf):
    value: Any = leaf
    for _ in range(1000):
        value = {"a": value}
    assert validity({"type": "object", "additionalProperties": {"$ref": "#"}}).holds(value) is (leaf == {})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "secret"},
        {"properties": {"secret": {"$ref": "#/$defs/secret"}}},
        {"$ref": "http://127.0.0.1:9/secret.json"},
        {"$ref": "file:///etc/hostname"},
        {"pattern": "(secret"},
        {"pattern": "(a{1000}){1000}"},
        {"$schema": "http://example.org/secret"},
        {"const": "\ud800"},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_by_field_and_rule_without_its_words(schema):
    with pytest.raises(NotSupported, match=r"^the schema in `response_format` cannot be checked .*REQ011$") as refused:
        validity(schema)
    assert "secret" not in refused.value.message
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "value"),
    [("{}", {}), (' {"a":1}\n', {"a": 1}), ("[]", None), ("", None), ("{}{}", None), ('{"a":', None), ("NaN", None)],
)
def test_only_a_whole_object_is_one(text, value):
    assert object_in(text) == value


@pytest.mark.parametrize(("text", "values"), [("null", (None,)), ("[1]", ([1],)), ("", ()), ("a", ())])
def test_any_value_is_one_and_no_value_is_none(text, values):
    assert value_in(text) == values


def test_the_library_is_known_here_only_and_loaded_only_when_a_schema_comes():
    package = Path(tidegate.__file__).parent
    knowing = [file.name for file in package.rglob("*.py") if "jsonschema_rs" in file.read_text()]
    assert knowing == ["validity.py"]
    code = "import sys, tidegate.dialects; sys.exit('jsonschema_rs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
