"""The book SEN itself, and how a rule comes into it with the group of its findings."""

from __future__ import annotations

from tidegate.core.findings import Group
from tidegate.core.rulebook import Rule, Rulebook

SENSITIVE = Rulebook("SEN", "What detection finds")
GROUPS: dict[str, Group] = {}
_CHECKED_ON = "2026-11-24"


def define(code: str, group: Group, title: str, why: str, source: str) -> Rule:
    """A rule of the book; the policy speaks of its group: personal, secret, term, name, example or unscannable."""
    GROUPS[code] = group
    return SENSITIVE.rule(code, title, why=why, source=source, checked=_CHECKED_ON)
