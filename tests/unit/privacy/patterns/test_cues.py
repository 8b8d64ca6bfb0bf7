"""Cue words are found once and asked for often."""

from __future__ import annotations

from tidegate.privacy.patterns.cues import Cue, Cues

PHONE = Cue(r"phone|\btel\b|电话")


def test_a_cue_is_near_what_stands_behind_it() -> None:
    cues = Cues("phone 12 and 34" + " " * 60 + "56")
    assert cues.near(PHONE, 6)
    assert cues.near(PHONE, 13)
    assert not cues.near(PHONE, 75)
    assert not cues.near(PHONE, 0)
    assert not cues.near(PHONE, 13, reach=4)


def test_another_number_or_a_line_between_breaks_what_leads_to_it() -> None:
    assert Cues("phone is 12").leads_to(PHONE, 9)
    assert not Cues("phone 7, 12").leads_to(PHONE, 9)
    assert not Cues("phone\n12").leads_to(PHONE, 6)


def test_words_know_ascii_edges_and_any_case() -> None:
    assert Cues("我的Tel：12").near(PHONE, 7)
    assert not Cues("hotels 12").near(PHONE, 7)
    assert Cues("电话12").near(PHONE, 2)


def test_where_it_begins() -> None:
    assert list(PHONE.starts("a phone, 电话")) == [2, 9]
