"""Plain spellings, and the exact way back."""

from __future__ import annotations

import pytest
import re2  # type: ignore[import-untyped]

from tidegate.privacy.patterns.folding import NEEDS_FOLDING, Folded

SPELLINGS = {
    "４１１１": "4111",
    "ａｂ＠ｃ．ｄｅ": "ab@c.de",
    "41\u00a011": "41 11",
    "41\u200b11": "4111",
    "41\u00ad1\u20601": "4111",
    "41–11": "41-11",
    "٤١١١": "4111",
    "𝟜𝟙𝟙𝟙": "4111",
    "④①①①": "4111",
    r"\u0034111": "4111",
    r"\u53f74111": "号4111",
    "4️⃣1️⃣1️⃣1️⃣": "4111",
}


@pytest.mark.parametrize(("spelling", "plain"), SPELLINGS.items())
def test_other_spellings_become_plain(spelling: str, plain: str) -> None:
    assert Folded(spelling).text == plain


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_first_pass_sees_that_a_text_needs_it(spelling: str) -> None:
    assert re2.search(NEEDS_FOLDING, spelling)


@pytest.mark.parametrize("text", ["plain text, 4111 1111!", "今天天气很好，我们去公园。", "naïve — quite"])
def test_ordinary_text_needs_none(text: str) -> None:
    assert not re2.search(NEEDS_FOLDING, text)
    assert Folded(text).text.replace("-", "—") == text.replace("-", "—")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("a\u200b", "\u200bb"), (r"\u4f60", r"\u597d")])
def test_what_was_found_is_cut_where_it_stood(spelling: str, before: str, after: str) -> None:
    original = before + spelling + after
    folded = Folded(original)
    inside = Folded(spelling).text
    start = folded.text.index(inside)
    first, last = folded.place(start, start + len(inside))
    assert Folded(original[first:last]).text == inside
    assert original[:first] == before or original[:first].startswith(before)
    assert original[last:].endswith(after)


def test_a_character_of_several_is_one_place() -> None:
    folded = Folded(r"x\u0041y")
    assert folded.text == "xAy"
    assert folded.place(1, 2) == (1, 7)
    assert folded.place(2, 3) == (7, 8)
