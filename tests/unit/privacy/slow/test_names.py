"""What the languages' detectors share: windows over long texts, spans put together, a package that is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pytest

from tidegate.core.findings import Finding
from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names import (
    OVERLAP_CHARS,
    WINDOW_CHARS,
    NameDetector,
    countries,
    lists,
    merged,
    name_detectors,
    outermost,
    windows,
)
from tidegate.privacy.slow.worker_child import CannotStart, OverBudget


class Finds:
    """Finds one word wherever it stands whole."""

    def __init__(self, word: str) -> None:
        self.word = word

    def names(self, text: str) -> Iterable[tuple[int, int, str]]:
        at = text.find(self.word)
        while at >= 0:
            yield at, at + len(self.word), PERSON
            at = text.find(self.word, at + 1)


def no_limit() -> None:
    return


@pytest.mark.parametrize("filler", ["x", "the sea ", "潮汐。"])
def test_windows_cover_all_and_overlap(filler: str) -> None:
    text = filler * (5000 // len(filler))
    covered = 0
    for offset, window in windows(text):
        assert text[offset : offset + len(window)] == window
        assert len(window) <= WINDOW_CHARS
        assert offset == 0 or covered - offset == OVERLAP_CHARS
        covered = offset + len(window)
    assert covered == len(text)


def test_a_name_is_found_once_wherever_it_stands() -> None:
    detector = NameDetector(Finds("Ada Lovelace"))
    for before in range(WINDOW_CHARS - 2 * OVERLAP_CHARS, WINDOW_CHARS + 2 * OVERLAP_CHARS, 7):
        text = "x" * before + "Ada Lovelace" + "y" * 3000
        assert list(detector.look(text, no_limit)) == [Finding(PERSON, "name", before, before + 12)]


def test_the_budget_is_asked_at_each_window() -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise OverBudget

    with pytest.raises(OverBudget):
        list(NameDetector(Finds("Ada")).look("x" * 20_000, check))


def test_what_overlaps_becomes_one_and_what_touches_does_not() -> None:
    spans = [(5, 9, PERSON), (0, 6, PERSON), (9, 12, PERSON), (2, 4, PLACE)]
    assert merged(spans) == [(0, 9, PERSON), (9, 12, PERSON), (2, 4, PLACE)]


def test_what_lies_inside_something_longer_is_dropped() -> None:
    assert list(outermost([(0, 9, PERSON), (2, 4, PLACE), (3, 12, PLACE)])) == [(0, 9, PERSON), (3, 12, PLACE)]
    same = [(0, 4, PERSON), (0, 4, PLACE)]
    assert list(outermost(same)) == same


def test_countries_are_known_in_both_languages() -> None:
    assert {"france", "japan", "法国", "日本"} <= countries()
    assert "paris" not in countries()


def test_word_lists_name_no_given_name_that_is_a_thing() -> None:
    english, chinese = lists("english"), lists("chinese")
    assert not set(english["given"]) & set(english["nobody"])
    assert all(word == word.lower() for words in english.values() for word in words)
    assert {"王", "李"} <= set(chinese["surnames"]) and set(chinese["everyday_surnames"]) <= set(chinese["surnames"])


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(CannotStart, match=r'names = \["zh"\] needs jieba: run `pip install \'tidegate\[names\]\'`'):
        name_detectors(["zh"])


def test_another_language_is_refused() -> None:
    with pytest.raises(CannotStart, match="language 'fr'"):
        name_detectors(["fr"])
