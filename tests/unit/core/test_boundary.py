"""Classes are ordered and only rise; the table says which boundary may take which class at most."""

from __future__ import annotations

from itertools import product

import pytest

from tidegate.core.boundary import DEFAULT_ACCEPTS, HIGHEST_CLASS, Boundary, DataClass

PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE


def test_the_classes_are_ordered_public_internal_private():
    assert sorted([PRIVATE, PUBLIC, INTERNAL], key=lambda one: one.rank) == [PUBLIC, INTERNAL, PRIVATE]


@pytest.mark.parametrize(("one", "other"), list(product(DataClass, DataClass)))
def test_raising_gives_the_higher_of_two_classes(one, other):
    assert one.raised_to(other).rank == max(one.rank, other.rank)
    assert one.raised_to(other) in (one, other)


def test_raising_to_a_lower_class_changes_nothing():
    assert PRIVATE.raised_to(PUBLIC) is PRIVATE
    assert INTERNAL.raised_to(PUBLIC) is INTERNAL


def test_no_external_backend_may_ever_take_private():
    assert HIGHEST_CLASS == {Boundary.DEVICE: PRIVATE, Boundary.PRIVATE: PRIVATE, Boundary.EXTERNAL: INTERNAL}


def test_without_a_word_an_external_backend_takes_public_only():
    assert DEFAULT_ACCEPTS == {Boundary.DEVICE: PRIVATE, Boundary.PRIVATE: PRIVATE, Boundary.EXTERNAL: PUBLIC}


@pytest.mark.parametrize("boundary", Boundary)
def test_no_default_is_above_what_the_boundary_allows(boundary):
    assert DEFAULT_ACCEPTS[boundary].rank <= HIGHEST_CLASS[boundary].rank


def test_the_words_in_configuration_and_ledger_are_the_values():
    assert [one.value for one in DataClass] == ["public", "internal", "private"]
    assert [one.value for one in Boundary] == ["device", "private", "external"]
