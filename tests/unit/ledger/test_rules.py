"""The book of the chain: every code is there once and can be explained."""

from __future__ import annotations

from tidegate.ledger import rules
from tidegate.ledger.rules import LEDGER


def test_each_rule_of_the_module_is_in_the_book_in_its_order() -> None:
    assert [rule.code for rule in LEDGER] == [f"LED{number:03}" for number in range(1, 9)]
    named = {rule.code for name, rule in vars(rules).items() if name.isupper() and hasattr(rule, "code")}
    assert named == {rule.code for rule in LEDGER}


def test_where_a_local_key_ends_is_said_where_it_matters() -> None:
    for rule in (rules.CHANGED, rules.CUT_OFF):
        assert ".salt" in rule.why
        assert "--expect" in rule.why
