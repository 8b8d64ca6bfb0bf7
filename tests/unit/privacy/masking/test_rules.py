from __future__ import annotations

from pathlib import Path

from tidegate.privacy.masking.rules import MASKING


def test_the_rules_are_numbered_without_a_gap():
    assert [rule.code for rule in MASKING] == [f"MSK{number:03}" for number in range(1, len(MASKING) + 1)]


def test_the_decision_that_they_name_exists():
    root = Path(__file__).parents[4]
    named = {rule.source.partition(",")[0] for rule in MASKING if rule.source.startswith("docs/")}
    assert named
    assert all((root / file).exists() for file in named)
