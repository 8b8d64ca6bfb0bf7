"""The policy is plain values with careful defaults."""

from __future__ import annotations

import pytest

from tidegate.core.boundary import DataClass
from tidegate.routing.policy import Alias, Ask, Policy


def test_without_a_word_a_request_is_public_and_no_name_is_special():
    assert Policy() == Policy(DataClass.PUBLIC, {})


def test_two_policies_share_no_aliases():
    assert Policy().aliases is not Policy().aliases


def test_an_alias_pins_no_class_unless_it_says_so():
    assert Alias("work", ("box",)).data_class is None


@pytest.mark.parametrize(
    "other", [Ask("n"), Ask("m", DataClass.PRIVATE), Ask("m", None, DataClass.PRIVATE), Ask("m", DataClass.PUBLIC)]
)
def test_asks_that_differ_in_anything_are_different_keys(other):
    assert Ask("m") == Ask("m")
    assert len({Ask("m"), Ask("m"), other}) == 2
