"""The contract's rules explain themselves like any other rule."""

from __future__ import annotations

from tidegate.catalog.contracts import PROFILES, contract_named
from tidegate.catalog.contracts.rulebook import validation_rules


def test_every_rule_of_every_date_is_in_the_book() -> None:
    codes = {row.values["code"] for profile in PROFILES for row in contract_named(profile).tables["rules"].values()}
    assert {rule.code for rule in validation_rules()} == codes


def test_a_rule_says_its_text_and_since_when() -> None:
    rule = validation_rules().find("VAL035")
    assert rule is not None
    assert rule.title == "reasoning not passed back"
    assert "in our profiles since 2026-08-ga" in rule.why
    assert "must be passed back to the API" in rule.why
    newest = validation_rules().find("VAL003")
    assert newest is not None
    assert newest.source == contract_named(PROFILES[-1]).tables["rules"]["unknown_model"].source
