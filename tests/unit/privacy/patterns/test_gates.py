"""The first pass says which patterns match, and never keeps quiet about not having looked."""

from __future__ import annotations

import pytest

from tidegate.privacy.patterns.gates import EDGE, Gates, compiled, escaped


def test_it_names_what_matches_anywhere() -> None:
    gates = Gates(["abc", r"\d{3}", "微信"])
    assert gates.matching(b"nothing") == []
    assert gates.matching("x 123 微信".encode()) == [1, 2]
    assert gates.matching(b"abc") == [0]


def test_words_in_any_case_keep_their_numbers() -> None:
    gates = Gates(["abc", "(?i)def", "ghi", "(?i)jkl"])
    assert gates.matching(b"ghi DEF JKL") == [1, 2, 3]
    assert gates.matching(b"GHI") == []


def test_no_answer_is_an_error_and_not_a_clean_text() -> None:
    class Silent:
        def Match(self, _: bytes) -> list[int]:  # noqa: N802
            """As RE2 does when its memory is not enough."""
            return []

    gates = Gates(["abc"])
    gates._automata[0]._set = Silent()
    with pytest.raises(RuntimeError, match="did not finish"):
        gates.matching(b"abc")


def test_places_are_of_what_was_given() -> None:
    pattern = compiled("b+")
    assert [found.span() for found in pattern.finditer("éb bb")] == [(1, 2), (3, 5)]
    assert [found.span() for found in pattern.finditer("éb".encode())] == [(2, 3)]


def test_the_longest_of_several() -> None:
    found = compiled("ab|abc", longest=True).search("abc")
    assert found is not None
    assert found.span() == (0, 3)


def test_escaped_text_matches_itself_only() -> None:
    assert compiled(escaped("a.c")).fullmatch("a.c")
    assert not compiled(escaped("a.c")).fullmatch("abc")


@pytest.mark.parametrize(("text", "may"), [("7", True), ("号7", True), ("\\n7", True), ("a7", False), ("_7", False)])
def test_gates_know_the_same_edges_as_detectors(text: str, may: bool) -> None:
    assert (Gates([EDGE + "7"]).matching(text.encode()) == [0]) is may
