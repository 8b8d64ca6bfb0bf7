"""Typed fields: absent and null are None, a wrong type or range names the field and quotes no value."""

from __future__ import annotations

import pytest

from tidegate.codecs.openai_chat.fields import (
    bool_field,
    float_field,
    int_field,
    object_field,
    string_field,
    wrong_shape,
)
from tidegate.core.errors import ClientMistake

PREAMBLE = "Failed to deserialize the JSON body into the target type: "


def a_count(fields, name):
    return int_field(fields, name, 1, 9)


def a_number(fields, name):
    return float_field(fields, name, 0, 2)


READERS = [
    (bool_field, True, ["yes", 1, 0, [], {}], "a boolean"),
    (string_field, "text", [True, 1, [], {}], "a string"),
    (object_field, {"a": 1}, [True, 1, "text", "", [], 0, False], "an object"),
    (a_count, 5, [True, False, 1.0, "5", [], {}], "an integer"),
    (a_number, 0.5, [True, False, "0.5", [], {}], "a number"),
]


@pytest.mark.parametrize(("read", "good", "_bad", "_expected"), READERS)
def test_a_good_value_passes_and_an_absent_or_null_one_is_none(read, good, _bad, _expected):
    assert read({"field": good}, "field") == good
    assert read({"field": None}, "field") is None
    assert read({}, "field") is None


@pytest.mark.parametrize(
    ("read", "value", "expected"), [(read, value, text) for read, _, bad, text in READERS for value in bad]
)
def test_a_value_of_another_type_is_refused_by_the_fields_name(read, value, expected):
    with pytest.raises(ClientMistake) as caught:
        read({"field": value}, "field")
    assert caught.value.message == f"{PREAMBLE}field: expected {expected}"


@pytest.mark.parametrize("read", [bool_field, string_field, object_field])
def test_a_nested_field_is_named_by_its_place(read):
    with pytest.raises(ClientMistake) as caught:
        read({"field": 1.5}, "field", "outer[3].field")
    assert caught.value.message.startswith(f"{PREAMBLE}outer[3].field: expected")


@pytest.mark.parametrize(("value", "allowed"), [(0, False), (1, True), (9, True), (10, False), (-1, False)])
def test_an_integer_keeps_to_its_range_ends_included(value, allowed):
    if allowed:
        assert int_field({"field": value}, "field", 1, 9) == value
    else:
        with pytest.raises(ClientMistake) as caught:
            int_field({"field": value}, "field", 1, 9)
        assert caught.value.message == "Invalid field value, the valid range of field is [1, 9]"


@pytest.mark.parametrize(("value", "allowed"), [(-0.01, False), (0, True), (2, True), (2.01, False), (1e308, False)])
def test_a_number_keeps_to_its_range_ends_included(value, allowed):
    if allowed:
        assert float_field({"field": value}, "field", 0, 2) == value
    else:
        with pytest.raises(ClientMistake) as caught:
            float_field({"field": value}, "field", 0, 2)
        assert caught.value.message == "Invalid field value, the valid range of field is [0, 2]"


def test_a_span_with_a_round_bracket_leaves_its_least_out():
    assert float_field({"field": 1e-9}, "field", 0, 1, "(0, 1.0]") == 1e-9
    with pytest.raises(ClientMistake) as caught:
        float_field({"field": 0}, "field", 0, 1, "(0, 1.0]")
    assert caught.value.message == "Invalid field value, the valid range of field is (0, 1.0]"


def test_a_span_replaces_the_plain_range_in_the_text():
    with pytest.raises(ClientMistake) as caught:
        int_field({"seed": -1}, "seed", 0, 2**63 - 1, "[0, 2^63)")
    assert caught.value.message == "Invalid seed value, the valid range of seed is [0, 2^63)"


def test_no_refusal_quotes_the_value():
    for read in (bool_field, object_field, a_count, a_number):
        with pytest.raises(ClientMistake) as caught:
            read({"field": "CANARY"}, "field")
        assert "CANARY" not in caught.value.message


def test_a_wrong_shape_begins_as_the_hosted_api_begins():
    assert wrong_shape("missing field `model`").message == f"{PREAMBLE}missing field `model`"
