"""What a ledger file proves: where exchanges went, by class and time, and that nobody changed it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.support.ledgers import BEGAN, CLOUD, HOME, LAB, MASKED, ask, booked, change, written

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Send
from tidegate.ledger import proof as proofs
from tidegate.ledger.entries import NEW_IN_VERSION_2
from tidegate.ledger.proof import Tally, newest_seal, prove
from tidegate.ledger.store import Ledger

PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def codes(path: Path, **options: bytes) -> list[tuple[str, int]]:
    return [(fault.code, fault.seq) for fault in prove(path, **options).faults]


def test_each_exchange_is_counted_once_at_the_farthest_place(path):
    entries = [
        booked(0, PRIVATE, HOME),
        booked(1, PRIVATE, HOME, HOME),
        booked(2, PRIVATE, HOME, LAB),
        booked(3, PRIVATE),
        booked(4, INTERNAL, HOME, CLOUD),
        booked(5, INTERNAL, MASKED),
        booked(6, INTERNAL, MASKED, CLOUD),
        booked(7, PUBLIC, CLOUD, HOME),
        booked(8, None),
    ]
    proof = prove(written(path, entries))
    assert proof.tallies == {
        "private": Tally(exchanges=4, device=2, private=1, not_sent=1),
        "internal": Tally(exchanges=3, left=2, left_masked=1),
        "public": Tally(exchanges=1, left=1),
        "none": Tally(exchanges=1, not_sent=1),
    }
    assert (proof.whole, proof.rows, proof.private_left, proof.before_version_2) == (True, 9, 0, 0)


def test_what_left_is_listed_with_why_it_could(path):
    entries = [
        booked(0, INTERNAL, HOME, CLOUD, policy_rows="mail,all"),
        booked(1, INTERNAL, MASKED),
        booked(2, PUBLIC, CLOUD),
    ]
    proof = prove(written(path, entries))
    first, second = proof.departures
    assert (first.exchange_id, first.arrived_at, first.data_class) == (entries[0].exchange_id, BEGAN, "internal")
    assert (first.backends, first.rules, first.policy_rows) == (("cloud",), ("CLS001", "RTE003"), ("mail", "all"))
    assert (first.masked, second.masked, first.status, proof.departed) == (False, True, 200, 2)
    assert [one.data_class for one in prove(path, classes=("public",)).departures] == ["public"]


def test_a_private_one_that_left_unmasked_counts_and_a_masked_one_does_not(path):
    assert prove(written(path, [booked(0, PRIVATE, MASKED)])).private_left == 0
    assert prove(written(path, [booked(1, PRIVATE, CLOUD)])).private_left == 1


def test_the_class_is_the_highest_of_exchange_and_sends(path):
    raised = Send("cloud", Boundary.EXTERNAL, PRIVATE, False)
    assert prove(written(path, [booked(0, PUBLIC, raised)])).private_left == 1


def test_what_the_transport_stopped_did_not_leave_and_is_told(path):
    stopped = booked(0, PRIVATE, CLOUD, error="BoundaryBreach", status=500)
    proof = prove(written(path, [stopped, booked(1, PRIVATE, HOME, CLOUD, error="BoundaryBreach", status=500)]))
    assert proof.tallies["private"] == Tally(exchanges=2, device=1, stopped=1)


def test_of_a_row_of_version_1_only_the_answer_is_known(path):
    old = dict.fromkeys(NEW_IN_VERSION_2)
    proof = prove(
        written(path, [booked(0, INTERNAL, CLOUD, **old), booked(1, PRIVATE, HOME, **old), booked(2, None, **old)])
    )
    assert proof.before_version_2 == 3
    assert proof.tallies["internal"] == Tally(exchanges=1, left=1)
    assert proof.tallies["private"] == Tally(exchanges=1, device=1)


def test_a_window_limits_what_is_counted_and_not_what_is_checked(path):
    written(path, [booked(number, INTERNAL, CLOUD) for number in range(4)])
    proof = prove(path, since=BEGAN + 2)
    assert (proof.rows, proof.departed, proof.tallies["internal"].exchanges) == (4, 2, 2)
    change(path, "UPDATE exchanges SET client = 'x' WHERE seq = 1")
    assert not prove(path, since=BEGAN + 2).whole


def test_only_the_first_of_many_are_listed_and_all_are_counted(path, monkeypatch):
    monkeypatch.setattr(proofs, "_MOST_LISTED", 2)
    proof = prove(written(path, [booked(number, INTERNAL, CLOUD) for number in range(4)]))
    assert (len(proof.departures), proof.departed) == (2, 4)


def test_how_far_it_is_is_told_now_and_then(path, monkeypatch):
    monkeypatch.setattr(proofs, "_TELL_EVERY", 2)
    told: list[tuple[int, int]] = []
    prove(written(path, [booked(number) for number in range(5)]), told=lambda *one: told.append(one))
    assert told == [(2, 5), (4, 5)]


def test_the_head_is_told_and_found_again(path):
    written(path, [booked(number) for number in range(2)])
    noted = newest_seal(path)
    assert noted is not None
    written(path, [booked(2)])
    proof = prove(path, expected=noted[1])
    assert (noted[0], proof.head_seq, proof.whole) == (2, 3, True)
    assert newest_seal(path) == (3, proof.head)
    assert ask(path, "SELECT seal FROM exchanges WHERE seq = 2") == [(noted[1],)]


def test_an_empty_ledger_is_whole(path):
    proof = prove(written(path, []))
    assert (proof.whole, proof.rows, proof.head_seq) == (True, 0, 0)


def test_a_head_that_was_removed_with_its_table_is_told(path):
    written(path, [booked(0)])
    change(path, "DROP TABLE chain")
    assert codes(path) == [("LED006", 0)]
    assert newest_seal(path) is None


def test_another_key_beside_the_ledger_is_told(path):
    written(path, [booked(0)])
    path.with_suffix(".salt").write_bytes(b"o" * 32)
    assert codes(path) == [("LED006", 0), ("LED002", 1)]


def test_a_text_that_is_none_is_told_of_its_row_alone(path):
    written(path, [booked(number, PUBLIC, CLOUD) for number in range(4)])
    change(path, "UPDATE exchanges SET client = CAST(x'ff' AS TEXT) WHERE seq IN (1, 3)")
    assert codes(path) == [("LED002", 1), ("LED002", 3)]
    assert prove(path).tallies["public"].exchanges == 2


@pytest.mark.parametrize("statement", ["data_class = 'secret'", "sends = 'x'", "sends = '[[1]]'", "rules = x'00'"])
def test_a_row_that_is_no_exchange_any_more_does_not_stop_the_proof(path, statement):
    written(path, [booked(number, INTERNAL, CLOUD) for number in range(3)])
    change(path, f"UPDATE exchanges SET {statement} WHERE seq = 2")
    assert codes(path) == [("LED002", 2)]


@pytest.mark.parametrize("seq", [-(2**63), -1, 0, 4, 2**63 - 1])
def test_a_row_at_any_foreign_place_is_found(path, seq):
    written(path, [booked(number) for number in range(3)])
    change(path, "INSERT INTO exchanges (seq, exchange_id, arrived_at, status) VALUES (?, 'x', 0.0, 200)", seq)
    assert ("LED004", seq) in codes(path)


def test_a_proof_is_of_one_moment_while_the_gateway_writes_on(path):
    written(path, [booked(number) for number in range(3)])
    wrote = threading.Event()
    ledger = Ledger(path, 0.001, lambda _batch: wrote.set())
    ledger.open()

    def write_on(_done: int, _of: int) -> None:
        ledger.record(booked(3))
        assert wrote.wait(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proofs, "_TELL_EVERY", 2)
        proof = prove(path, told=write_on)
    ledger.close()
    assert (proof.rows, proof.faults) == (3, [])
    assert prove(path).rows == 4


def test_nothing_is_written_by_a_proof(path):
    written(path, [booked(0)])
    before = path.read_bytes()
    prove(path)
    assert path.read_bytes() == before


def test_without_ledger_or_key_nothing_is_proven(path):
    with pytest.raises(Misconfigured, match=r"there is no ledger .* check \[ledger\] path"):
        prove(path)
    written(path, [booked(0)])
    path.with_suffix(".salt").unlink()
    for look in (prove, newest_seal):
        with pytest.raises(Misconfigured, match=r"key .*ledger\.salt is missing"):
            look(path)
    assert not path.with_suffix(".salt").exists()


def test_a_file_that_is_no_ledger_is_refused(path):
    path.write_bytes(b"this is not a database, and far longer than a header" * 20)
    with pytest.raises(Misconfigured, match=r"cannot be read \(DatabaseError\)"):
        prove(path)
