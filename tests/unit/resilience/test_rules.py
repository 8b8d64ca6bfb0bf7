"""The rules of resilience: in the book that `tidegate explain` reads, and each code that the guard uses is one of them."""

from __future__ import annotations

import re
from pathlib import Path

from tidegate.cli.explain import BOOKS
from tidegate.resilience import rules
from tidegate.resilience.rules import RESILIENCE

SOURCE = Path(rules.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "keeps-working.md"


def test_the_book_is_one_of_those_that_are_explained() -> None:
    assert RESILIENCE in BOOKS


def test_each_rule_is_on_the_page_that_tells_how_it_keeps_working() -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"RES\d{3}", page))
    assert {rule.code for rule in RESILIENCE if rule.code <= "RES009"} <= told
    assert all(RESILIENCE.find(code) for code in told)


def test_rules_that_are_noted_or_told_are_used_by_name() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCE.glob("*.py") if file.name != "rules.py")
    for name in ("RETRIED", "LEFT_ALONE", "LAST_TRIED", "DEADLINE"):
        assert f"{name}.code" in text or f"else ({name}," in text or f"({name}," in text, name
    assert not re.findall(r'"[^"\n]*RES\d{3}[^"\n]*"', text), "a code in a text is taken from its rule"
