"""The operator's own words and patterns."""

from __future__ import annotations

import pytest

from tidegate.core.errors import Misconfigured
from tidegate.privacy.patterns.scanner import Scanner, Terms


def found(scanner: Scanner, text: str) -> list[tuple[str, str, str]]:
    return [(one.code, one.label, text[one.start : one.end]) for one in scanner.scan(text)]


SCANNER = Scanner(
    [
        Terms("client", ("Acme GmbH", "Zürich Plan", "海潮项目", "c++"), ()),
        Terms("project", ("tidefall",), (r"PRJ-\d{4}", r"案号\d+")),
    ]
)


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("for acme gmbh, now", "client", "acme gmbh"),
        ("找ACME GmbH公司", "client", "ACME GmbH"),
        ("Acme\n GmbH", "client", "Acme\n GmbH"),
        ("ＡＣＭＥ　ＧｍｂＨ", "client", "ＡＣＭＥ　ＧｍｂＨ"),
        ("zÜrich plan", "client", "zÜrich plan"),
        ("关于海潮项目的", "client", "海潮项目"),
        ("we use C++17", "client", "C++"),
        ("old_tidefall_copy", "project", "tidefall"),
        ("tide\u200bfall", "project", "tide\u200bfall"),
    ],
)
def test_words_in_any_case_and_next_to_anything(text: str, label: str, value: str) -> None:
    assert found(SCANNER, text) == [("SEN080", label, value)]


@pytest.mark.parametrize("text", ["tidefalls", "xtidefall", "Acme AG", "prj-1234"])
def test_not_inside_longer_words(text: str) -> None:
    assert found(SCANNER, text) == []


def test_patterns_are_found_with_their_table(scanner: Scanner) -> None:
    assert found(SCANNER, "see PRJ-1234 and 案号77") == [
        ("SEN081", "project", "PRJ-1234"),
        ("SEN081", "project", "案号77"),
    ]
    assert found(scanner, "see PRJ-1234") == []


def test_a_term_inside_an_address_leaves_both_found() -> None:
    assert found(SCANNER, "tidefall@host.com") == [("SEN080", "project", "tidefall"), ("SEN009", "", "@host.com")]


def test_thousands_of_words_and_each_is_found() -> None:
    words = [f"word{number}x" for number in range(5000)]
    many = Scanner([Terms("many", tuple(words))])
    text = " ".join(words[::250])
    assert [value for _, _, value in found(many, text)] == words[::250]
    assert found(many, "word5000x " * 100) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Terms("a", (), ("ok", "(")), r"\[\[privacy.terms\]\] a patterns: number 2 is no regular expression"),
        (Terms("a", (), (r"(?=x)",)), "number 1 is no regular expression"),
        (Terms("a", (), ("x*",)), "matches the empty text"),
        (Terms("a", ("", "x")), r"a terms: number 1 is empty"),
        (Terms("a", ("TIDEFALL",)), "number 1 is already one of project's"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_by_place(table: Terms, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        Scanner([Terms("project", ("tidefall",)), table])
