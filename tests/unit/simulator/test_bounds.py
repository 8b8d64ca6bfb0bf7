"""Numbers within a schema's bounds: checked against the bounds themselves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidegate.simulator.bounds import number_within

SMALL = st.integers(-20, 20)


@pytest.mark.parametrize(
    ("schema", "whole", "found"),
    [
        ({}, True, 12),
        ({"exclusiveMinimum": 12}, True, 13),
        ({"exclusiveMaximum": 12}, True, 11),
        ({"minimum": 20, "exclusiveMinimum": True}, True, 21),
        ({"maximum": 5, "exclusiveMaximum": True}, True, 4),
        ({"multipleOf": 5}, True, 10),
        ({"multipleOf": 5, "minimum": 11}, True, 15),
        ({"multipleOf": 1.5}, True, 12),
        ({"minimum": 0.5, "maximum": 1.7}, True, 1),
        ({"maximum": 1}, False, 1),
        ({"exclusiveMinimum": 12, "exclusiveMaximum": 13}, False, 12.5),
        ({"exclusiveMaximum": 12}, False, 11),
        ({"multipleOf": 0.1, "maximum": 0.35}, False, 0.3),
        ({"minimum": True, "maximum": "5", "multipleOf": 0}, True, 12),
        ({"minimum": float("inf"), "maximum": 10**400}, True, 12),
    ],
)
def test_the_number_keeps_the_bounds(schema: dict[str, Any], whole: bool, found: float):
    made = number_within(schema, 12, whole=whole)
    assert (made, type(made)) == (found, type(found))


@given(
    st.fixed_dictionaries(
        {}, optional={"minimum": SMALL, "exclusiveMinimum": SMALL, "maximum": SMALL, "exclusiveMaximum": SMALL}
    ),
    st.none() | st.integers(1, 7) | st.sampled_from([0.5, 0.1, 2.5]),
    SMALL,
    st.booleans(),
)
def test_whatever_can_be_kept_is_kept(bounds: dict[str, int], step: float | None, wished: int, whole: bool):
    fitting = [
        number
        for count in range(-400, 401)
        if _fits(number := Fraction(count, 20), bounds, step) and (not whole or number.denominator == 1)
    ]
    assume(fitting)
    schema = bounds | ({} if step is None else {"multipleOf": step})
    found = Fraction(str(number_within(schema, wished, whole=whole)))
    assert _fits(found, bounds, step)
    assert not whole or found.denominator == 1


def _fits(number: Fraction, bounds: dict[str, int], step: float | None) -> bool:
    return (
        number >= bounds.get("minimum", -1000)
        and number > bounds.get("exclusiveMinimum", -1000)
        and number <= bounds.get("maximum", 1000)
        and number < bounds.get("exclusiveMaximum", 1000)
        and (step is None or number % Fraction(str(step)) == 0)
    )
