"""A rulebook takes only its own codes, each once, and none without a reason, a source and a date."""

from __future__ import annotations

import pytest

from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects import RULEBOOKS
from tidegate.routing.rules import CLASSES, ROUTES

GOOD = {"why": "because", "source": "a run, 2026-11-22", "checked": "2026-11-22"}


def book() -> Rulebook:
    return Rulebook("TST", "Tests")


def test_a_rule_is_kept_as_it_was_written():
    rules = book()
    rule = rules.rule("TST001", "a title", **GOOD)
    assert rule == Rule("TST001", "a title", "because", "a run, 2026-11-22", "2026-11-22")
    assert rules.find("TST001") is rule
    assert len(rules) == 1


def test_a_code_nobody_wrote_is_not_found():
    assert book().find("TST001") is None


def test_the_rules_come_in_the_order_they_were_written():
    rules = book()
    for code in ("TST003", "TST001", "TST002"):
        rules.rule(code, "a title", **GOOD)
    assert [rule.code for rule in rules] == ["TST003", "TST001", "TST002"]


@pytest.mark.parametrize("code", ["ABC001", "TST01", "TST0001", "tst001", "TSTabc", "", "TST001 ", "XTST001"])
def test_a_foreign_or_malformed_code_is_refused(code):
    with pytest.raises(ValueError, match="does not belong to the book 'TST'"):
        book().rule(code, "a title", **GOOD)


def test_a_code_is_given_only_once():
    rules = book()
    rules.rule("TST001", "first", **GOOD)
    with pytest.raises(ValueError, match="already taken"):
        rules.rule("TST001", "second", **GOOD)
    assert [rule.title for rule in rules] == ["first"]


@pytest.mark.parametrize(
    "lack",
    [{"why": ""}, {"source": ""}, {"checked": ""}, {"checked": "yesterday"}, {"checked": "2026-11-2"}],
)
def test_a_rule_without_reason_source_or_date_is_refused(lack):
    rules = book()
    with pytest.raises(ValueError, match="needs a title, a why, a source and a checked-on date"):
        rules.rule("TST001", "a title", **(GOOD | lack))
    assert len(rules) == 0


def test_a_rule_without_a_title_is_refused():
    with pytest.raises(ValueError, match="needs a title"):
        book().rule("TST001", "", **GOOD)


def test_no_two_books_share_a_code():
    codes = [rule.code for rules in (*RULEBOOKS, CLASSES, ROUTES) for rule in rules]
    assert len(codes) == len(set(codes))


def test_no_two_books_share_a_prefix():
    prefixes = [rules.prefix for rules in (*RULEBOOKS, CLASSES, ROUTES)]
    assert len(prefixes) == len(set(prefixes))
