"""The rules of raw endpoints are numbered, explained and found by their code."""

from __future__ import annotations

from tidegate.dialects import RULEBOOKS
from tidegate.dialects.raw_rules import RAW_RULES


def test_they_are_among_the_rules_that_can_be_explained():
    assert RAW_RULES in RULEBOOKS
    codes = [rule.code for rule in RAW_RULES]
    assert codes == [f"RAW{number:03}" for number in range(1, len(codes) + 1)]
