"""JSON of unknown shape is looked at without assuming anything."""

from __future__ import annotations

import pytest

from tidegate.core.jsonvalue import as_list, as_object

OTHERS = [None, True, 0, 1.5, "text", "", ()]


def test_an_object_is_itself():
    value = {"a": 1}
    assert as_object(value) is value
    assert as_object({}) == {}


def test_a_list_is_itself():
    value = [1]
    assert as_list(value) is value
    assert as_list([]) == []


@pytest.mark.parametrize("value", [*OTHERS, [], [{}]])
def test_what_is_no_object_is_none(value):
    assert as_object(value) is None


@pytest.mark.parametrize("value", [*OTHERS, {}, {"0": 1}])
def test_what_is_no_list_is_none(value):
    assert as_list(value) is None
