"""A rule comes into the book with its group."""

from __future__ import annotations

from tidegate.privacy.rules import GROUPS, SENSITIVE


def test_every_rule_has_a_group() -> None:
    assert set(GROUPS) == {rule.code for rule in SENSITIVE}
    assert {"personal", "secret", "term", "name", "example", "unscannable"} == set(GROUPS.values())
