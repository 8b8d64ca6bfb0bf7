from __future__ import annotations

import pytest

from tidegate.privacy.masking.occurrences import found_in, occurrences, occurs


@pytest.mark.parametrize(
    ("text", "value", "spans"),
    [
        ("Al and Also and Al", "Al", [(0, 2), (16, 18)]),
        ("x1234567890y", "1234567890", [(1, 11)]),
        ("我叫李明，", "李明", [(2, 4)]),
        ("中Al文", "Al", [(1, 3)]),
        ("max_Al", "Al", [(4, 6)]),
        ("aaaaaaaaaaaaaaaaaaa", "aaaaaaaa", [(0, 8), (8, 16)]),
        ("", "Al", []),
    ],
)
def test_found_in(text: str, value: str, spans: list[tuple[int, int]]):
    assert list(found_in(text, value)) == spans


def test_escapes_do_not_make_a_short_name_long():
    assert list(found_in("\\u0041dax", "\\u0041da")) == []
    assert list(found_in("\\u0041da x", "\\u0041da")) == [(0, 8)]


def test_a_value_is_found_however_it_is_escaped():
    text = r"mail: a\u0064a%40example.test"
    value = "ada@example.test"
    assert list(occurrences(text, ["nobody", value])) == [(value, 6, len(text))]
    assert list(occurrences("a, a", "a")) == [("a", 0, 1), ("a", 3, 4)]
    assert occurs(text, ("nobody", "ada@example.test"))
    assert not occurs(text, ("nobody",))
    assert not occurs(text, ())
