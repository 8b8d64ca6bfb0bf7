"""The chain's check: what was done to which row, said by the right rule and about the right place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tidegate.ledger import verify
from tidegate.ledger.chain import ANEW, START, Head, Sealer
from tidegate.ledger.verify import ChainCheck, Fault

SEALER = Sealer(b"k" * 32)
Row = tuple[int, Sequence[Any], Any]


def chain(count: int) -> list[Row]:
    rows: list[Row] = []
    before = START
    for seq in range(1, count + 1):
        row = [f"ex_{seq}", float(seq)]
        before = SEALER.seal(before, seq, row)
        rows.append((seq, row, before))
    return rows


def head_of(rows: list[Row], **changes: Any) -> tuple[Head, bytes]:
    head = Head(rows[-1][0], rows[-1][2])._replace(**changes)
    return head, SEALER.mark(head)


def checked(rows: list[Row], head: tuple[Head, Any] | None, expected: bytes | None = None) -> ChainCheck:
    check = ChainCheck(SEALER, head, expected)
    for row in rows:
        check.feed(*row)
    check.finish()
    return check


def told(faults: list[Fault]) -> list[tuple[str, int]]:
    return [(fault.code, fault.seq) for fault in faults]


def found(rows: list[Row], head: tuple[Head, Any] | None = None) -> list[tuple[str, int]]:
    return told(checked(rows, head or head_of(chain(6))).faults)


def test_a_chain_that_nobody_touched_is_whole():
    for count in range(1, 5):
        check = checked(chain(count), head_of(chain(count)))
        assert (check.faults, check.count, check.rows) == ([], 0, count)
        assert (check.newest, check.newest_seq) == (chain(count)[-1][2], count)
    assert checked([], (Head(), SEALER.mark(Head()))).faults == []


@pytest.mark.parametrize("gone", range(5))
def test_a_row_that_is_gone_leaves_a_hole(gone):
    rows = chain(6)
    del rows[gone]
    assert found(rows) == [("LED001", gone + 1)]


def test_several_rows_that_are_gone_are_one_hole():
    rows = chain(6)
    del rows[1:4]
    check = checked(rows, head_of(chain(6)))
    assert told(check.faults) == [("LED001", 2)]
    assert check.faults[0].where == "rows 2 to 4"


@pytest.mark.parametrize("place", range(6))
def test_a_changed_value_or_seal_is_told_of_its_row_alone(place):
    seq, row, seal = chain(6)[place]
    for changed in ((seq, [row[0], 0.5], seal), (seq, row, b"x" * 32), (seq, row, None), (seq, row, "text")):
        rows = chain(6)
        rows[place] = changed
        assert found(rows) == [("LED002", place + 1)]


def test_two_changed_rows_are_two_faults():
    rows = chain(6)
    for place in (1, 3):
        rows[place] = (place + 1, ["ex_0", 0.5], rows[place][2])
    assert found(rows) == [("LED002", 2), ("LED002", 4)]


@pytest.mark.parametrize(("one", "other"), [(0, 5), (1, 2), (2, 4), (4, 5)])
@pytest.mark.parametrize("with_seals", [True, False])
def test_rows_that_were_exchanged_are_told_as_moved(one, other, with_seals):
    rows = chain(6)
    first, second = rows[one], rows[other]
    rows[one] = (first[0], second[1], second[2] if with_seals else first[2])
    rows[other] = (second[0], first[1], first[2] if with_seals else second[2])
    assert found(rows) == [("LED003", one + 1), ("LED003", other + 1)]


def test_a_row_added_at_the_end_or_before_the_beginning_is_told_as_added():
    assert found([*chain(6), (7, ["ex_7", 7.0], b"x" * 32)]) == [("LED004", 7)]
    assert found([(0, ["ex_0", 7.0], b"x" * 32), *chain(6)]) == [("LED004", 0)]


def test_rows_added_before_the_gateway_wrote_on_are_told_as_added():
    rows = chain(4)
    before, seal = rows[3][2], START
    rows += [(5, ["ex_5", 7.0], b"x" * 32), (6, ["ex_6", 7.0], None)]
    for seq in (7, 8):
        before = seal = SEALER.seal(before, seq, [f"ex_{seq}", 1.0])
        rows.append((seq, [f"ex_{seq}", 1.0], seal))
    assert found(rows, head_of(rows)) == [("LED004", 5), ("LED004", 6)]


def test_a_row_put_in_between_shows_although_the_others_made_room():
    rows = chain(6)
    rows[2:] = [(3, ["ex_0", 0.5], rows[2][2]), *((seq + 1, row, seal) for seq, row, seal in rows[2:])]
    assert {code for code, _ in found(rows)} <= {"LED002", "LED003", "LED004"}
    assert ("LED004", 7) in found(rows) or ("LED003", 7) in found(rows)


@pytest.mark.parametrize("left", range(6))
def test_rows_cut_off_at_the_end_are_told(left):
    assert found(chain(6)[:left]) == [("LED005", left + 1)]


@pytest.mark.parametrize("change", [{"seq": 5}, {"seal": b"x" * 32}, {"checkpoint_seq": 1}, {"checkpoint_seal": ANEW}])
def test_a_head_that_was_changed_is_told(change):
    head, mark = head_of(chain(6))
    check = checked(chain(6), (head._replace(**change), mark))
    assert told(check.faults) == [("LED006", 0)]
    assert check.newest is None


def test_a_head_that_is_gone_or_has_another_mark_is_told():
    assert told(checked(chain(6), None).faults) == [("LED006", 0)]
    assert found(chain(6), (head_of(chain(6))[0], None)) == [("LED006", 0)]


def test_a_head_of_another_chain_of_the_same_key_is_told():
    assert found(chain(6), head_of(chain(6), seal=b"x" * 32)) == [("LED006", 6)]


def test_a_chain_that_was_begun_anew_says_where():
    rows = chain(3)
    seal = SEALER.seal(ANEW, 4, ["ex_4", 1.0])
    rows += [(4, ["ex_4", 1.0], seal), (5, ["ex_5", 1.0], SEALER.seal(seal, 5, ["ex_5", 1.0]))]
    assert found(rows, head_of(rows)) == [("LED008", 4)]


def test_a_noted_head_is_looked_for_in_the_whole_chain():
    rows = chain(6)
    for _, _, seal in rows:
        assert checked(rows, head_of(rows), seal).faults == []
    assert told(checked(rows, head_of(rows), b"x" * 32).faults) == [("LED007", 0)]
    assert told(checked(rows, head_of(rows), START).faults) == [("LED007", 0)]


def test_a_ledger_put_back_to_an_earlier_state_shows_by_the_noted_head_only():
    earlier, noted = chain(4), chain(6)[-1][2]
    assert checked(earlier, head_of(earlier)).faults == []
    assert told(checked(earlier, head_of(earlier), noted).faults) == [("LED007", 0)]


def test_a_changed_row_does_not_count_as_the_noted_one():
    rows = chain(6)
    rows[3] = (4, ["ex_4", 0.5], rows[3][2])
    assert told(checked(rows, head_of(chain(6)), rows[3][2]).faults) == [("LED002", 4), ("LED007", 0)]


def test_a_row_that_cannot_be_read_is_told_and_the_others_are_checked():
    rows = chain(6)
    check = ChainCheck(SEALER, head_of(rows))
    check.feed(*rows[0])
    check.unreadable(2, rows[1][2])
    for row in rows[2:]:
        check.feed(*row)
    assert told(check.finish()) == [("LED002", 2)]
    assert check.rows == 6


def test_a_hole_before_a_row_that_cannot_be_read_is_told_too():
    check = ChainCheck(SEALER, head_of(chain(6)))
    check.unreadable(3, b"")
    assert told(check.faults) == [("LED001", 1), ("LED002", 3)]


def test_with_a_wrong_key_everything_is_wrong_and_only_the_first_faults_are_kept(monkeypatch):
    monkeypatch.setattr(verify, "_MOST_SHOWN", 5)
    rows = chain(40)
    check = ChainCheck(Sealer(b"o" * 32), head_of(rows))
    for row in rows:
        check.feed(*row)
    assert len(check.finish()) == 5
    assert check.count == 41
    assert len(check._misfits) <= verify._MOST_COMPARED + 1


def test_what_somebody_wrote_as_an_id_is_not_repeated():
    rows = chain(6)
    rows[1] = (2, ["\x1b[2J my secret", 1.0], rows[1][2])
    check = checked(rows, head_of(chain(6)))
    assert [fault.where for fault in check.faults] == ["row 2"]
