"""Edges that know ASCII letters only."""

from __future__ import annotations

import re

import pytest

from tidegate.privacy.found import closes, cued, opens


@pytest.mark.parametrize(
    ("before", "may"), [("", True), ("号", True), (" ", True), ("a", False), ("7", False), ("\\n", True), ("n", False)]
)
def test_a_value_does_not_begin_inside_an_ascii_word(before: str, may: bool) -> None:
    assert opens(f"{before}4111", len(before)) is may


@pytest.mark.parametrize(("after", "may"), [("", True), ("，", True), ("的", True), ("x", False), ("0", False)])
def test_nor_does_it_end_inside_one(after: str, may: bool) -> None:
    assert closes(f"4111{after}", 4) is may


def test_a_cue_counts_only_closely_before() -> None:
    cue = re.compile("phone")
    assert cued(cue, "phone: 1", 7)
    assert not cued(cue, "phone" + " " * 50 + "1", 55)
    assert not cued(cue, "1 phone", 0)
