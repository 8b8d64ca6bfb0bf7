"""Runs of digits and their groups."""

from __future__ import annotations

import pytest
import re2  # type: ignore[import-untyped]

from tidegate.privacy.patterns.digits import GATE, runs


def groups(text: str) -> list[list[str]]:
    return [[run.digits(at, at + 1) for at in range(len(run))] for run in runs(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1234567", [["1234567"]]),
        ("a 1234 5678 b", [["1234", "5678"]]),
        ("1234-5678", [["1234", "5678"]]),
        ("(030) 901820", [["030", "901820"]]),
        ("1234\n5678", [["1234", "5678"]]),
        ("1234 -\r\n  5678", [["1234", "5678"]]),
        ("1234      5678901", [["5678901"]]),
        ("123456", []),
        ("12, 3456789", [["3456789"]]),
    ],
)
def test_groups_that_may_be_one_number(text: str, found: list[list[str]]) -> None:
    assert groups(text) == found
    assert bool(re2.search(GATE, text)) or not found


def test_a_line_that_cuts_a_group_is_seen_both_ways() -> None:
    (run,) = runs("4111 11\n11 1111")
    assert run.shapes(0, 4) == ((4, 2, 2, 4), (4, 4, 4))


def test_windows_keep_to_one_mark() -> None:
    (run,) = runs("123-45-6789 12")
    assert list(run.windows(0, 9, 19)) == [(3, 9)]


def test_digits_one_by_one_begin_once() -> None:
    (run,) = runs("1 2 3 4 5 6 7")
    assert [run.can_start(at) for at in range(7)] == [True] + [False] * 6
    assert run.single_digits(0, 7)
    assert not run.single_digits(0, 6)


def test_a_window_tied_to_more_is_not_alone() -> None:
    (run,) = runs("1234-5678-9012 3456")
    assert not run.alone(0, 2)
    assert run.alone(0, 3)
