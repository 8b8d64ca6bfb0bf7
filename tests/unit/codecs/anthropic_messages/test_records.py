"""Objects are read in document order, and a tag must be there and known."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.codecs.anthropic_messages.records import Members, anything, record, tagged
from tidegate.codecs.shapes import Misfit, string, unsigned

MEMBERS: Members = {"name": string, "count": unsigned(32)}


def read(value: Any, *needed: str) -> dict[str, Any]:
    return record(value, "struct Thing", MEMBERS, needed)


def test_known_members_are_read_and_others_left():
    assert read({"name": "a", "count": 1, "more": 5}) == {"name": "a", "count": 1}


def test_null_stands_for_absent_unless_needed():
    assert read({"name": None}) == {}
    with pytest.raises(Misfit, match="invalid type: null, expected a string"):
        read({"name": None}, "name")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"count": -1, "name": 5}, "invalid value: integer `-1`, expected u32"),
        ({"name": 5, "count": -1}, "invalid type: integer `5`, expected a string"),
        ({"count": 1}, "missing field `name`"),
        (5, "invalid type: integer `5`, expected struct Thing"),
    ],
)
def test_the_first_fault_of_the_document_is_the_one_told(value: Any, text: str):
    with pytest.raises(Misfit) as caught:
        read(value, "name")
    assert caught.value.shown == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", 'invalid type: string "x", expected internally tagged enum Thing'),
        ({}, "missing field `type`"),
        ({"type": 5}, "invalid type: integer `5`, expected variant identifier"),
        ({"type": "c"}, "unknown variant `c`, expected `a` or `b`"),
    ],
)
def test_a_tag_must_be_there_and_known(value: Any, text: str):
    with pytest.raises(Misfit) as caught:
        tagged(value, "Thing", {"a": anything, "b": anything})
    assert caught.value.shown == text
