"""Seals: every value, its type, the place and the seal before count; without the key nobody makes one."""

from __future__ import annotations

import pytest

from tidegate.ledger.chain import ANEW, SEAL_BYTES, START, Head, Sealer

SEALER = Sealer(b"k" * 32)
ROW = ["x-1", 1.5, 1, None, "", b"a"]


def test_the_same_row_at_the_same_place_has_the_same_seal():
    assert SEALER.seal(START, 1, ROW) == SEALER.seal(START, 1, tuple(ROW)) == Sealer(b"k" * 32).seal(START, 1, ROW)
    assert len(SEALER.seal(START, 1, ROW)) == SEAL_BYTES == len(ANEW)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "x-2"),
        (1, 1.25),
        (1, "1.5"),
        (2, 1.0),
        (2, True),
        (2, "1"),
        (3, ""),
        (3, 0),
        (4, None),
        (5, "a"),
        (1, float("inf")),
    ],
)
def test_another_value_or_type_has_another_seal(place, value):
    other = [*ROW[:place], value, *ROW[place + 1 :]]
    assert SEALER.seal(START, 1, other) != SEALER.seal(START, 1, ROW)


def test_place_and_seal_before_count():
    seals = {
        SEALER.seal(START, 1, ROW),
        SEALER.seal(START, 2, ROW),
        SEALER.seal(ANEW, 1, ROW),
        SEALER.seal(START, -1, ROW),
    }
    assert len(seals) == 4


def test_what_moves_from_one_value_into_the_next_shows():
    assert SEALER.seal(START, 1, ["ab", "c"]) != SEALER.seal(START, 1, ["a", "bc"])


def test_without_the_key_nobody_gets_the_same_seal_or_mark():
    other = Sealer(b"o" * 32)
    assert other.seal(START, 1, ROW) != SEALER.seal(START, 1, ROW)
    assert other.mark(Head()) != SEALER.mark(Head())


@pytest.mark.parametrize("change", [{"seq": 1}, {"seal": ANEW}, {"checkpoint_seq": 1}, {"checkpoint_seal": ANEW}])
def test_every_part_of_the_head_is_marked(change):
    assert SEALER.mark(Head()._replace(**change)) != SEALER.mark(Head())


def test_a_mark_is_no_seal():
    head = Head()
    assert SEALER.mark(head) != SEALER.seal(b"", 0, head)


@pytest.mark.parametrize(("value", "error"), [(2**64, OverflowError), ("\ud800", UnicodeEncodeError)])
def test_what_no_file_can_hold_has_no_seal(value, error):
    with pytest.raises(error):
        SEALER.seal(START, 1, [value])
