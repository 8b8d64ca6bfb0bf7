from __future__ import annotations

import pytest

from tidegate.app.canary_values import KINDS, WORD, Kind, kinds_of, plant
from tidegate.config import parse_config
from tidegate.privacy.patterns.scanner import Scanner
from tidegate.privacy.rules import GROUPS

TERMS = {"privacy": {"terms": [{"name": "files", "terms": ["Nordlicht"]}, {"name": "odd", "patterns": ["a+"]}]}}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_value_is_found_by_the_rule_that_its_kind_names_and_by_no_other(kind: Kind) -> None:
    scanner = Scanner()
    assert GROUPS[kind.code] == kind.group
    for _ in range(200):
        one = plant(kind)
        text = f"please read: {one.text}"
        assert [(each.code, text[each.start : each.end] == one.value) for each in scanner.scan(text)] == [
            (kind.code, True)
        ]


def test_a_word_is_found_by_none_and_all_are_fresh() -> None:
    values = [plant(kind).value for kind in (WORD, *KINDS) for _ in range(50)]
    assert len(set(values)) == len(values)
    assert all(Scanner().scan(f"note {plant(WORD).value} of it") == () for _ in range(200))


def test_terms_of_the_operator_are_planted_and_patterns_are_not() -> None:
    *_, term = kinds = kinds_of(parse_config(TERMS))
    assert len(kinds) == len(KINDS) + 1
    one = plant(term)
    assert (one.value, term.tag, term.group, one.is_fresh) == ("Nordlicht", "term:files", "term", False)


def test_a_value_is_in_no_repr() -> None:
    one = plant(WORD)
    assert one.value not in repr(one)
