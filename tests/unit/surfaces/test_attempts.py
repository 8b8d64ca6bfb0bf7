"""Wrong keys by address: a few are answered, then the address waits; nobody else does."""

from __future__ import annotations

import pytest
from tests.support.hands import Hands

from tidegate.surfaces import attempts
from tidegate.surfaces.attempts import BURST, EACH_S, Attempts


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def counted(hands: Hands) -> Attempts:
    return Attempts(hands.time)


def exhausted(counted: Attempts, address: str) -> None:
    for _ in range(BURST):
        assert counted.failed(address) == 0


def test_some_wrong_keys_are_answered_then_one_each_few_seconds(counted: Attempts, hands: Hands) -> None:
    exhausted(counted, "10.0.0.1")
    assert counted.failed("10.0.0.1") == pytest.approx(EACH_S)
    assert counted.failed("10.0.0.1") == pytest.approx(EACH_S), "what is not answered does not count"
    hands.turn(EACH_S - 1)
    assert counted.failed("10.0.0.1") == pytest.approx(1)
    hands.turn(1.001)
    assert counted.failed("10.0.0.1") == 0
    assert counted.failed("10.0.0.1") > 0
    hands.turn(1000)
    exhausted(counted, "10.0.0.1")
    assert counted.wrong == 2 * BURST + 5


def test_a_right_key_from_elsewhere_is_not_slowed(counted: Attempts) -> None:
    exhausted(counted, "10.0.0.1")
    assert counted.right("10.0.0.2", "key_1") == 0


def test_a_right_key_that_came_from_there_before_is_not_slowed(counted: Attempts) -> None:
    assert counted.right("10.0.0.1", "key_1") == 0
    exhausted(counted, "10.0.0.1")
    assert counted.right("10.0.0.1", "key_1") == 0


def test_a_guess_that_hits_is_not_told_from_one_that_misses(counted: Attempts, hands: Hands) -> None:
    exhausted(counted, "10.0.0.1")
    assert counted.right("10.0.0.1", "key_1") == counted.failed("10.0.0.1") > 0
    assert counted.right("10.0.0.1", "key_1") > 0, "nor does it count as known after that"
    hands.turn(EACH_S * 1.01)
    assert counted.right("10.0.0.1", "key_1") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
        ("unix", "unix", True),
    ],
)
def test_addresses_of_one_owner_count_together(counted: Attempts, one: str, other: str, same: bool) -> None:
    exhausted(counted, one)
    assert (counted.failed(other) > 0) is same


def test_memory_is_bounded_and_the_longest_silent_are_forgotten(
    counted: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MOST_ADDRESSES", 3)
    for number in range(3):
        exhausted(counted, f"10.0.0.{number}")
    assert counted.failed("10.0.0.0") > 0
    counted.failed("10.0.0.9")
    assert len(counted._callers) == 3
    assert counted.failed("10.0.0.0") > 0
    assert counted.failed("10.0.0.1") == 0, "forgotten"
