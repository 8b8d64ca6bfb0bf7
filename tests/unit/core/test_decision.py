"""Decisions and what they looked at are plain values: equal by value, and nobody changes them afterwards."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Candidate, Decision, Snapshot, Verdict

VIEW = BackendView("box", Boundary.DEVICE, DataClass.PRIVATE, "up", ("m",))
DECISION = Decision("m", DataClass.PRIVATE, ("CLS001",), (Verdict("box", "RTE020", True),), (Candidate("box", "m"),))


@pytest.mark.parametrize(
    ("value", "name"),
    [(VIEW, "boundary"), (DECISION, "candidates"), (Snapshot((VIEW,)), "backends"), (Candidate("b", "m"), "backend")],
)
def test_nobody_changes_a_decision_or_what_it_looked_at(value, name):
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)


def test_equal_by_value():
    assert Candidate("box", "m") == Candidate("box", "m")
    assert Candidate("box", "m") != Candidate("box", "n")
    assert Snapshot((VIEW,)) == Snapshot((BackendView("box", Boundary.DEVICE, DataClass.PRIVATE, "up", ("m",)),))


def test_a_backend_serves_only_what_it_lists_unless_it_says_otherwise():
    assert (VIEW.serves_any, VIEW.note) == (False, "")


def test_a_decision_refuses_only_if_it_says_so():
    assert DECISION.refusal is None
