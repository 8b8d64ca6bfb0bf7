"""Edges that know ASCII letters only."""

from __future__ import annotations

import pytest

from tidegate.privacy.patterns.found import Regex, closes, cued, opens


@pytest.mark.parametrize(
    ("before", "may"), [("", True), ("号", True), (" ", True), ("a", False), ("7", False), ("\\n", True), ("n", False)]
)
def test_a_value_does_not_begin_inside_an_ascii_word(before: str, may: bool) -> None:
    assert opens(f"{before}4111", len(before)) is may


@pytest.mark.parametrize(("after", "may"), [("", True), ("，", True), ("的", True), ("x", False), ("0", False)])
def test_nor_does_it_end_inside_one(after: str, may: bool) -> None:
    assert closes(f"4111{after}", 4) is may


def test_a_cue_counts_only_closely_before() -> None:
    cue = Regex("phone")
    assert cued(cue, "phone: 1", 7)
    assert not cued(cue, "phone" + " " * 50 + "1", 55)
    assert not cued(cue, "1 phone", 0)


def test_a_pattern_is_compiled_when_it_is_first_used() -> None:
    broken = Regex("(")
    with pytest.raises(Exception, match="missing"):
        broken.search("x")
    assert [found[0] for found in Regex("[0-9]").finditer("a1b2")] == ["1", "2"]
    assert Regex("a").match("ab")
    assert not Regex("a").fullmatch("ab")
