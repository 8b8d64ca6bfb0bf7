"""Structs and tagged enums: read from objects and arrays, the first misfit of the document first, missing members last."""

from __future__ import annotations

import pytest

from tidegate.codecs.records import Record, TaggedRecords
from tidegate.codecs.shapes import Misfit, maybe, string

POINT = Record("struct Point", {"x": string, "y": maybe(string)}, required=["x"])
NEAR = Record("struct Near", {"x": string, "y": maybe(string)}, required=["x"], omittable=["y"], buffered=True)
SHAPE = TaggedRecords("Shape", "kind", {"point": NEAR, "nothing": Record("struct variant Nothing", {}, buffered=True)})


def refused(read, value) -> tuple[list, str, str]:
    with pytest.raises(Misfit) as caught:
        read(value)
    return caught.value.path, caught.value.shown, caught.value.spot


@pytest.mark.parametrize(
    ("record", "value", "found"),
    [
        (POINT, {"x": "a", "z": 5}, {"x": "a"}),
        (POINT, {"y": None, "x": "a"}, {"y": None, "x": "a"}),
        (POINT, ["a", None], {"x": "a", "y": None}),
        (NEAR, ["a"], {"x": "a"}),
    ],
)
def test_a_struct_is_an_object_or_an_array(record, value, found):
    assert record.read(value) == found


@pytest.mark.parametrize(
    ("record", "value", "misfit"),
    [
        (POINT, {"y": 5, "x": 6}, (["y"], "invalid type: integer `5`, expected a string", "after")),
        (POINT, {"x": [], "y": 6}, (["x"], "invalid type: sequence, expected a string", "before")),
        (POINT, {"y": 5}, (["y"], "invalid type: integer `5`, expected a string", "after")),
        (POINT, {"y": "b"}, ([], "missing field `x`", "end")),
        (POINT, ["a", 5], ([1], "invalid type: integer `5`, expected a string", "after")),
        (POINT, ["a"], ([], "invalid length 1, expected struct Point with 2 elements", "after")),
        (POINT, ["a", None, 5], ([], "invalid length 3, expected fewer elements in array", "after")),
        (NEAR, ["a", None, 5], ([], "invalid length 3, expected 2 elements in sequence", "after")),
        (POINT, "a", ([], 'invalid type: string "a", expected struct Point', "after")),
    ],
)
def test_what_does_not_fit_a_struct(record, value, misfit):
    assert refused(record.read, value) == misfit


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"x": "a", "kind": "point"}, ("point", {"x": "a"})),
        (["point", "a"], ("point", {"x": "a"})),
        ({"kind": "nothing", "x": 5}, ("nothing", {})),
        (["nothing"], ("nothing", {})),
    ],
)
def test_a_tag_says_which_struct(value, found):
    assert SHAPE.read(value) == found


@pytest.mark.parametrize(
    ("value", "misfit"),
    [
        ({"x": 5}, ([], "missing field `kind`", "end")),
        ([], ([], "missing field `kind`", "end")),
        ({"x": 5, "kind": 6}, (["kind"], "invalid type: integer `6`, expected variant identifier", "after")),
        ({"kind": "line"}, (["kind"], "unknown variant `line`, expected `point` or `nothing`", "after")),
        (["line"], ([0], "unknown variant `line`, expected `point` or `nothing`", "after")),
        (["point", 5], ([1], "invalid type: integer `5`, expected a string", "after")),
        (["point"], ([], "invalid length 0, expected struct Near with 2 elements", "after")),
        (["nothing", 5], ([], "invalid length 1, expected 0 elements in sequence", "after")),
        (5, ([], "invalid type: integer `5`, expected internally tagged enum Shape", "after")),
    ],
)
def test_what_does_not_fit_a_tagged_enum(value, misfit):
    assert refused(SHAPE.read, value) == misfit
