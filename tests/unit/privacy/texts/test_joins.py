from __future__ import annotations

from tidegate.privacy.texts.joins import joined
from tidegate.privacy.texts.places import Place

ONE, TWO = Place("messages", 0, "content", 0), Place("messages", 0, "content", 1)


def test_halves_become_whole():
    done = joined([(ONE, "4111 1111"), (TWO, " 1111 1111")], "")
    assert done.text == "4111 1111 1111 1111"
    assert done.home(0, 19) is None
    assert done.home(0, 9) == (ONE, 0, 9)
    assert done.home(10, 14) == (TWO, 1, 5)
    assert joined([(ONE, "a"), (TWO, "b")], " ").text == "a b"
    assert joined([(ONE, "a"), (TWO, "b")], " ").home(1, 2) is None  # the glue stands nowhere


def test_of_a_long_part_the_ends_are_taken():
    done = joined([(ONE, "a" * 50 + "END"), (TWO, "BEGIN" + "b" * 50 + "END")], "", window=8)
    assert done.text == "aaaaaaaa\n\naaaaaENDBEGINbbb\n\nbbbbbEND"
    at = done.text.index("END")
    assert done.home(at, at + 3) == (ONE, 50, 53)
    at = done.text.index("BEGIN")
    assert done.home(at, at + 5) == (TWO, 0, 5)
    assert done.home(at - 1, at + 5) is None
    assert done.home(7, 12) is None  # over the gap
