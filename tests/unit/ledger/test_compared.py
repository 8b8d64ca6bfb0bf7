"""Then and now: what each pair of fates is called, and what nothing can be said of."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.support.ledgers import CLOUD, HOME, MASKED, booked

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Candidate, Decision, Refusal
from tidegate.core.exchange import Send
from tidegate.ledger.compared import (
    LEAVING,
    Change,
    Comparison,
    Unknown,
    compare,
    dropped_then,
    fate_then,
    kept_then,
)
from tidegate.ledger.entries import NEW_IN_VERSION_2, Entry

BOUNDARIES = {"box": Boundary.DEVICE, "lab": Boundary.PRIVATE, "cloud": Boundary.EXTERNAL, "other": Boundary.EXTERNAL}
PUBLIC = DataClass.PUBLIC
AT_HOME = booked(0, PUBLIC, HOME)
LEFT = booked(1, PUBLIC, HOME, CLOUD)
LEFT_MASKED = booked(2, PUBLIC, MASKED)
REFUSED = booked(3, PUBLIC, error="PolicyRefusal", status=403)


def now(*backends: str, refusal: Refusal | None = None, masked: bool = False) -> Decision:
    return Decision("auto", PUBLIC, (), (), tuple(Candidate(name, "m", masked) for name in backends), refusal)


@pytest.mark.parametrize(
    ("then", "decision", "change"),
    [
        (AT_HOME, now("box"), Change("unchanged", "home", "home")),
        (AT_HOME, now("lab", "cloud"), Change("unchanged", "home", "home")),
        (LEFT, now("cloud"), Change("unchanged", "left", "left")),
        (REFUSED, now(refusal="class_forbids"), Change("unchanged", "refused", "refused")),
        (AT_HOME, now("cloud", "box"), Change("would leave now", "home", "left")),
        (REFUSED, now("cloud"), Change("would leave now", "refused", "left")),
        (AT_HOME, now("box", "other"), Change("could leave now", "home", "home, or outside if that fails")),
        (LEFT, now("box", "cloud"), Change("would stay home now", "left", "home")),
        (LEFT_MASKED, now("box"), Change("would stay home now", "left masked", "home")),
        (AT_HOME, now(refusal="class_forbids"), Change("refused now", "home", "refused")),
        (LEFT, now(refusal="nothing_local"), Change("refused now", "left", "refused")),
        (REFUSED, now("box"), Change("allowed now", "refused", "home")),
        (AT_HOME, now(refusal="unknown_model"), Change("cannot say", "home", "the model is not known there")),
        (AT_HOME, Unknown("why"), Change("cannot say", "home", "why")),
    ],
)
def test_what_a_pair_is_called(then: Entry, decision: Decision | Unknown, change: Change) -> None:
    assert compare(then, decision, BOUNDARIES) == change


@pytest.mark.parametrize(
    ("then", "change"),
    [
        (AT_HOME, Change("would leave now", "home", "left masked")),
        (LEFT, Change("would be masked now", "left", "left masked")),
        (LEFT_MASKED, Change("unchanged", "left masked", "left masked")),
    ],
)
def test_what_is_masked_leaves_all_the_same(then: Entry, change: Change) -> None:
    assert compare(then, now("cloud", masked=True), BOUNDARIES) == change


def test_what_left_masked_and_would_leave_unmasked_is_told() -> None:
    change = compare(LEFT_MASKED, now("cloud"), BOUNDARIES)
    assert change == Change("would leave now", "left masked", "left")
    assert change.kind in LEAVING


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (replace(AT_HOME, **dict.fromkeys(NEW_IN_VERSION_2)), "booked before version 2 of the ledger"),
        (replace(AT_HOME, shadow_of="ex_1"), "the shadow of another"),
        (booked(0, None), "refused before anything was decided"),
        (booked(0, PUBLIC, error="Unprocessable"), "never sent, for another reason than the policy"),
    ],
)
def test_of_some_nothing_can_be_said(entry: Entry, reason: str) -> None:
    assert fate_then(entry) == Unknown(reason)
    assert compare(entry, now("cloud"), BOUNDARIES) == Change("cannot say", reason, "-")


def test_one_unmasked_sending_outside_is_leaving() -> None:
    assert fate_then(booked(0, PUBLIC, MASKED, CLOUD)) == "left"
    assert fate_then(booked(0, PUBLIC, HOME, MASKED)) == "left masked"
    assert fate_then(booked(0, PUBLIC, Send("lab", Boundary.PRIVATE, PUBLIC, False))) == "home"


def test_who_was_kept_and_dropped_then() -> None:
    entry = replace(
        AT_HOME, verdicts='[["a","RTE016",false],["b","RTE017",false],["c","RTE010",false],["d","RTE020",true]]'
    )
    assert kept_then(entry) == {"d"}
    assert dropped_then(entry, "RTE016", "RTE017") == {"a", "b"}


def test_changes_are_counted_with_the_first_ids() -> None:
    comparison = Comparison()
    same, leaves = Change("unchanged", "home", "home"), Change("would leave now", "home", "left")
    for number in range(5):
        comparison.add(same, f"ex_{number}")
    comparison.add(leaves, "ex_9")
    assert (comparison.counts[same], comparison.examples[same]) == (5, ["ex_0", "ex_1", "ex_2"])
    assert (comparison.count(*LEAVING), comparison.count("unchanged"), comparison.count("refused now")) == (1, 5, 0)
