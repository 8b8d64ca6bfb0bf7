"""Overlaps: all that was found stays covered, and each character is found once."""

from __future__ import annotations

from tidegate.privacy.patterns.found import CHECKED, CUED, Found
from tidegate.privacy.patterns.settling import settle


def test_the_stronger_names_what_both_cover() -> None:
    weak, strong = Found(0, 10, "SEN007", CUED), Found(4, 14, "SEN001", CHECKED, "valid")
    assert settle([weak, strong]) == [Found(0, 14, "SEN001", CHECKED, "valid")]


def test_of_equals_the_longer() -> None:
    assert settle([Found(2, 4, "SEN009"), Found(0, 10, "SEN070")]) == [Found(0, 10, "SEN070")]


def test_neighbours_stay_apart_and_in_order() -> None:
    found = [Found(5, 9, "SEN001"), Found(0, 5, "SEN009")]
    assert settle(found) == [Found(0, 5, "SEN009"), Found(5, 9, "SEN001")]


def test_a_term_keeps_its_own_characters_and_the_rest_stays_found() -> None:
    mail, term = Found(0, 12, "SEN009", CHECKED), Found(4, 8, "SEN080", CHECKED, label="acme")
    before, middle, behind = settle([mail, term])
    assert (before.start, before.end, before.code) == (0, 4, "SEN009")
    assert middle == term
    assert (behind.start, behind.end, behind.code) == (8, 12, "SEN009")


def test_a_term_over_all_of_it_leaves_nothing_else() -> None:
    term = Found(0, 8, "SEN080", CHECKED, label="acme")
    assert settle([Found(2, 6, "SEN009"), term, Found(8, 9, "SEN010")]) == [term, Found(8, 9, "SEN010")]


def test_two_terms_in_one_find() -> None:
    one, two = Found(2, 3, "SEN080", label="a"), Found(5, 6, "SEN081", label="b")
    found = settle([Found(0, 8, "SEN009"), one, two])
    assert [(f.start, f.end) for f in found] == [(0, 2), (2, 3), (3, 5), (5, 6), (6, 8)]
