"""What a dialect says of each feature of the contract, by the rule that says why. Declared, not measured."""

from __future__ import annotations

from typing import get_args

from tidegate.core.profile import Fact, Feature, Way
from tidegate.core.rulebook import Rule

Had = tuple[Way | None, Rule]
"""How a feature is had and by which rule; None: it depends on the server, and nobody knows."""


def native(rule: Rule) -> Had:
    return "native", rule


def emulated(rule: Rule) -> Had:
    return "emulated", rule


def refused(rule: Rule) -> Had:
    return "refused", rule


def unknown(rule: Rule) -> Had:
    return None, rule


def declared(
    version: str, *, thinking_off: Had, json: Had, tools: Had, forced_tools: Had, prefix: Had, fim: Had
) -> tuple[Fact, ...]:
    """All features, for the server's version that was looked at."""
    had = (thinking_off, json, tools, forced_tools, prefix, fim)
    features: tuple[Feature, ...] = get_args(Feature)
    return tuple(
        Fact(feature, way, "unknown" if way is None else "declared", rule.code, version, rule.checked)
        for feature, (way, rule) in zip(features, had, strict=True)
    )
