"""The second wall in front of the disk."""

from __future__ import annotations

from itertools import product

import pytest

from tidegate.core.boundary import DataClass
from tidegate.privacy.keeping.kept import Content, may_be_written

ALL = frozenset(DataClass)


def content(data_class: DataClass = DataClass.PUBLIC, action: str | None = None, *, shadow: bool = False) -> Content:
    return Content("ex_" + "0" * 32, data_class, action, shadow, 1, lambda: b"CANARY")


@pytest.mark.parametrize("action", [None, "allow"])
@pytest.mark.parametrize("data_class", [DataClass.PUBLIC, DataClass.INTERNAL])
def test_what_may_leave_as_it_is_may_be_written(data_class: DataClass, action: str | None) -> None:
    assert may_be_written(content(data_class, action), frozenset({data_class}))


@pytest.mark.parametrize("action", ["mask", "local", "block", "a new one"])
def test_what_a_row_holds_back_is_not(action: str) -> None:
    assert not may_be_written(content(action=action), ALL)


def test_nothing_private_whatever_is_configured() -> None:
    for action, shadow in product((None, "allow"), (False, True)):
        assert not may_be_written(content(DataClass.PRIVATE, action, shadow=shadow), ALL)


def test_only_the_classes_that_were_asked_for_and_no_shadow() -> None:
    assert not may_be_written(content(DataClass.INTERNAL), frozenset({DataClass.PUBLIC}))
    assert not may_be_written(content(DataClass.PUBLIC), frozenset())
    assert not may_be_written(content(shadow=True), ALL)


def test_the_body_is_not_shown() -> None:
    assert "lambda" not in repr(content())
