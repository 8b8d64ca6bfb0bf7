"""Shared members: read once for both request codecs, with 32-bit ranges and the two forms of `stop`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.members import (
    as_f32,
    as_json,
    check_object_schema,
    check_range,
    check_stop,
    read_include_usage,
    read_members,
    read_stop,
    read_struct,
)
from tidegate.codecs.shapes import Misfit, boolean, string
from tidegate.core.errors import ClientMistake

CONTRACT = contract_named(DEFAULT_PROFILE)
MEMBERS = {"name": ("title", string), "checked": ("", boolean), "special": ("special", None)}


def read(fields: dict) -> tuple[dict, dict]:
    return read_members(fields, MEMBERS, ("name",), lambda name, value: (name, value))


def test_members_become_attributes_and_the_rest_is_kept():
    fields = {"own": None, "special": 1, "checked": True, "name": "n"}
    assert read(fields) == ({"special": ("special", 1), "title": "n"}, {"own": None, "checked": True})


def test_null_is_as_good_as_absent_except_where_a_member_must_be():
    assert read({"name": "n", "special": None, "checked": None}) == ({"title": "n"}, {})
    with pytest.raises(Misfit, match="invalid type: null, expected a string"):
        read({"name": None})


def test_a_request_may_come_as_an_array():
    values = read_struct(["n", None, 2], MEMBERS, "struct R", lambda fields: read(fields)[0])
    assert values == {"title": "n", "special": ("special", 2)}
    for items, said in (
        ([], "invalid length 0, expected struct R with 3 elements"),
        (["n"], "invalid length 1, expected struct R with 3 elements"),
        (["n", None, 2, 3], "invalid length 4, expected fewer elements in array"),
        ([5], "invalid type: integer `5`, expected a string"),
    ):
        with pytest.raises(Misfit, match=said):
            read_struct(items, MEMBERS, "struct R", lambda fields: read(fields)[0])


@pytest.mark.parametrize(
    ("value", "stop", "slips"),
    [("a", ("a",), 0), ("", ("",), 1), ([""], ("",), 0), ([], (), 0), (["a", "b"], ("a", "b"), 0)],
)
def test_stop_is_a_text_or_an_array_of_texts(value, stop, slips):
    found: list = []
    assert read_stop(value, found) == stop
    assert len(found) == slips


def test_stops_are_few_and_not_empty():
    check_stop(("a",) * 16, (), CONTRACT, "stop")
    for stop, slips, said in (
        (("a",) * 17, (), "Stop string array too long: 17"),
        (("",), (), "'stop[0]'"),
        (("",), (("stop_empty", -1),), "'stop'"),
    ):
        with pytest.raises(ClientMistake) as caught:
            check_stop(stop, slips, CONTRACT, "stop")
        assert said in caught.value.message


def test_include_usage_is_off_unless_it_is_on():
    assert [read_include_usage(value) for value in ({}, {"include_usage": None}, [True])] == [False, False, True]


def allowed(value: float, field: str = "temperature") -> bool:
    try:
        check_range(field, value, CONTRACT)
    except ClientMistake as mistake:
        assert mistake.message.startswith(f"Invalid {field} value, the valid range of {field} is")
        return False
    return True


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_in_range_if_its_32_bit_form_is(value):
    assert allowed(value) == (0 <= as_f32(value) <= 2)
    assert allowed(value, "top_p") == (0 < as_f32(value) <= 1)


def test_rounding_to_32_bits_is_rusts():
    assert as_f32(2.00000001) == 2.0
    assert as_f32(1e39) == float("inf") == -as_f32(-1e39)
    assert as_f32(1e-60) == 0.0


@pytest.mark.parametrize(
    ("schema", "shown", "quoted"),
    [
        ({"type": "my secret"}, "something else", '"my secret"'),
        ({"type": ["object"]}, "something else", '["object"]'),
        ({"type": "string"}, '"string"', '"string"'),
        ({}, "null", "null"),
        (True, "null", "null"),
    ],
)
def test_a_schema_that_is_none_of_an_object_is_quoted_only_as_a_type(schema, shown, quoted):
    for quoting, said in ((False, shown), (True, quoted)):
        with pytest.raises(ClientMistake) as caught:
            check_object_schema("f", schema, CONTRACT, quoting=quoting)
        assert caught.value.message.endswith(f"got 'type: {said}'.")
    check_object_schema("f", {"type": "object"}, CONTRACT, quoting=False)


def test_json_is_written_without_spaces():
    assert as_json({"a": ["é", None]}) == '{"a":["é",null]}'
