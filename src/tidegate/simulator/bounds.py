"""The number nearest to a wished one that a JSON Schema's bounds allow. Exact fractions, so that 0.1 is a tenth. Pure."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, isfinite
from typing import Any, NamedTuple


class _Bound(NamedTuple):
    value: Fraction
    excludes: bool


def number_within(schema: dict[str, Any], wished: int, *, whole: bool) -> int | float:
    """Of bounds that contradict each other the lower one is kept."""
    least, most = _lower(schema), _upper(schema)
    step = _step(schema, whole=whole)
    found = _between(Fraction(wished), least, most) if step is None else _multiple(Fraction(wished), step, least, most)
    return found.numerator if found.denominator == 1 else float(found)


def _between(wished: Fraction, least: _Bound | None, most: _Bound | None) -> Fraction:
    lies_below = least is not None and (wished < least.value or (least.excludes and wished == least.value))
    lies_above = most is not None and (wished > most.value or (most.excludes and wished == most.value))
    if least is not None and lies_below:
        if not least.excludes:
            return least.value
        return least.value + 1 if most is None else (least.value + most.value) / 2
    if most is not None and lies_above:
        if not most.excludes:
            return most.value
        return most.value - 1 if least is None else (least.value + most.value) / 2
    return wished


def _multiple(wished: Fraction, step: Fraction, least: _Bound | None, most: _Bound | None) -> Fraction:
    count = floor(wished / step)
    if most is not None:
        last = floor(most.value / step)
        count = min(count, last - (most.excludes and last * step == most.value))
    if least is not None:
        first = ceil(least.value / step)
        count = max(count, first + (least.excludes and first * step == least.value))
    return count * step


def _step(schema: dict[str, Any], *, whole: bool) -> Fraction | None:
    """An integer that is a multiple of p/q in lowest terms is a multiple of p."""
    step = _exact(schema.get("multipleOf"))
    if step is None or step <= 0:
        return Fraction(1) if whole else None
    return Fraction(step.numerator) if whole else step


def _lower(schema: dict[str, Any]) -> _Bound | None:
    found = _bounds(schema, "minimum", "exclusiveMinimum")
    return max(found, default=None)


def _upper(schema: dict[str, Any]) -> _Bound | None:
    found = _bounds(schema, "maximum", "exclusiveMaximum")
    return min(found, key=lambda bound: (bound.value, not bound.excludes), default=None)


def _bounds(schema: dict[str, Any], plain: str, exclusive: str) -> list[_Bound]:
    """Up to draft 4 `exclusiveMinimum` is a switch beside `minimum`, since draft 6 a number of its own."""
    found: list[_Bound] = []
    if (value := _exact(schema.get(plain))) is not None:
        found.append(_Bound(value, schema.get(exclusive) is True))
    if (value := _exact(schema.get(exclusive))) is not None:
        found.append(_Bound(value, True))
    return found


def _exact(value: Any) -> Fraction | None:
    if isinstance(value, float):
        return Fraction(str(value)) if isfinite(value) else None
    return Fraction(value) if isinstance(value, int) and not isinstance(value, bool) else None
