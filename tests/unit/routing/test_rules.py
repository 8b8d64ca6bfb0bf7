"""The books of classes and routes: every rule explained, dated, and used."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from tidegate.routing import rules
from tidegate.routing.rules import CLASSES, ROUTES


@pytest.mark.parametrize("rule", [*CLASSES, *ROUTES], ids=lambda rule: rule.code)
def test_every_rule_explains_itself_and_has_a_real_date(rule):
    assert len(rule.why) > 10
    assert rule.source
    assert date.fromisoformat(rule.checked)


@pytest.mark.parametrize("rule", [*CLASSES, *ROUTES], ids=lambda rule: rule.code)
def test_every_rule_is_used_somewhere(rule):
    (name,) = (name for name, value in vars(rules).items() if value is rule)
    sources = (
        entry.read_text(encoding="utf-8")
        for package in ("tidegate.routing", "tidegate.pipeline")
        for entry in resources.files(package).iterdir()
        if entry.name.endswith(".py") and entry.name != "rules.py"
    )
    assert any(name in text for text in sources)


def test_the_codes_rise():
    for book in (CLASSES, ROUTES):
        codes = [rule.code for rule in book]
        assert codes == sorted(codes)
