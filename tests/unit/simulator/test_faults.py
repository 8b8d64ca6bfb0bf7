"""Naming faults and arming them."""

from __future__ import annotations

import pytest

from tidegate.core.errors import ClientMistake
from tidegate.simulator.fault_kinds import FAULTS
from tidegate.simulator.faults import Fault, FaultBook, parse_faults


def test_a_fault_has_a_value_of_its_own_or_the_usual_one():
    assert parse_faults("503, cut=12,stall") == (Fault("503", "hosted"), Fault("cut", "12"), Fault("stall", "2"))
    assert parse_faults(" remap = deepseek-v4-pro ") == (Fault("remap", "deepseek-v4-pro"),)
    assert parse_faults("") == parse_faults(" , ") == ()
    assert parse_faults("slow=0.5")[0].number == 0.5


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_asked_for_by_its_name_and_back(name):
    (fault,) = parse_faults(name)
    assert parse_faults(str(fault)) == (fault,)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ClientMistake) as refused:
        parse_faults("no_done, 418")
    assert "there is no fault '418'" in refused.value.message
    assert all(name in refused.value.message for name in FAULTS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cut=-1", "a whole number"),
        ("cut=1.5", "a whole number"),
        ("stall=x", "a whole number"),
        ("slow=1.2.3", "a number of seconds"),
        ("slow=9999999999", "a number of seconds"),
        ("503=teapot", "one of hosted, empty, html"),
        ("no_done=1", "no value"),
    ],
)
def test_a_value_that_does_not_fit_says_what_does(text, wanted):
    with pytest.raises(ClientMistake, match=f"takes {wanted}, not"):
        parse_faults(text)


def test_armed_faults_are_used_up_in_their_order():
    book = FaultBook()
    book.arm(parse_faults("503"), 2)
    book.arm(parse_faults("429, slow"), 1)
    taken = [tuple(fault.name for fault in book.take()) for _ in range(4)]
    assert taken == [("503",), ("503",), ("429", "slow"), ()]


def test_they_can_be_cleared():
    book = FaultBook()
    book.arm(parse_faults("503"), 5)
    book.clear()
    assert book.take() == ()
