"""How many a model takes at once: what its refusals teach, what its answers teach, and what teaches nothing."""

from __future__ import annotations

from math import inf

import pytest

from tidegate.core.errors import RateLimited
from tidegate.resilience.pace import HELD_S, Pace, PaceView

CROWDED = RateLimited("slow down")


def told(limit: int) -> RateLimited:
    return RateLimited("too many", limit=limit)


def pace(in_flight: int, published: int | None = None) -> Pace:
    made = Pace(published)
    made.in_flight = in_flight
    return made


def answered(made: Pace, times: int, now_s: float = 0.0) -> None:
    for _ in range(times):
        made.passed(now_s)


def test_nothing_is_known_at_the_start_and_a_published_limit_holds() -> None:
    assert (Pace().most, Pace().view("m")) == (inf, PaceView("m", None, None, 0, False))
    assert (Pace(500).most, Pace(500).view("m")) == (500, PaceView("m", 500, "published", 0, False))


def test_a_limit_that_is_told_holds() -> None:
    made = pace(100, 2500)
    made.refused(told(25), 0, 0.0)
    assert made.view("m") == PaceView("m", 25, "told", 100, False)


def test_a_refusal_without_a_number_keeps_a_part_of_what_was_in_flight() -> None:
    made = pace(100)
    made.refused(CROWDED, 0, 0.0)
    assert (made.limit, made.learned_from) == (70, "refused")


@pytest.mark.parametrize("refusal", [CROWDED, told(25)])
def test_refusals_of_the_same_burst_are_one(refusal: RateLimited) -> None:
    made = pace(100)
    began = made.round
    made.refused(refusal, began, 0.0)
    limit = made.limit
    for made.in_flight in (99, 60, 20, 3):
        made.refused(refusal, began, 0.0)
    assert made.limit == limit
    made.in_flight = 20
    made.refused(CROWDED, made.round, 0.0)
    assert made.limit == 14, "one that set out since then counts"


def test_of_an_old_burst_a_lower_told_limit_counts_nevertheless() -> None:
    made = pace(100)
    began = made.round
    made.refused(told(25), began, 0.0)
    made.refused(told(10), began, 0.0)
    made.refused(told(40), began, 0.0)
    assert made.limit == 10


@pytest.mark.parametrize(
    ("in_flight", "limit", "learned_from"),
    [(26, 25, "told"), (25, 24, "told"), (23, 22, "told"), (20, 14, "refused"), (1, 1, "refused")],
)
def test_refused_far_below_what_was_told_others_use_the_account_too(
    in_flight: int, limit: int, learned_from: str
) -> None:
    made = pace(in_flight)
    made.refused(told(25), 0, 0.0)
    assert (made.limit, made.learned_from) == (limit, learned_from)


def test_what_others_use_comes_back_with_them_gone() -> None:
    made = pace(25)
    made.refused(told(25), 0, 0.0)
    made.in_flight = 10
    made.refused(told(25), made.round, 1.0)
    answered(made, 7 + 8, 1.0)
    assert made.limit == 9, "nothing was told of how few there are left for us, so nothing is kept"


def test_a_number_that_is_no_lower_says_nothing_once_the_limit_is_lowered() -> None:
    made = pace(10)
    made.refused(CROWDED, 0, 0.0)
    made.refused(told(25), 0, 0.0)
    assert (made.limit, made.learned_from) == (7, "refused")


@pytest.mark.parametrize("refusal", [CROWDED, told(0), told(1)])
def test_it_never_falls_below_one(refusal: RateLimited) -> None:
    made = pace(1)
    for _ in range(3):
        made.refused(refusal, made.round, 0.0)
    assert made.limit == 1


def test_each_full_round_of_answers_allows_one_more() -> None:
    made = pace(10)
    made.refused(CROWDED, 0, 0.0)
    assert made.limit == 7
    answered(made, 6)
    assert made.limit == 7
    answered(made, 1)
    assert made.limit == 8
    answered(made, 8 + 9)
    assert made.limit == 10


def test_a_told_limit_is_held_for_a_while_and_then_searched_ever_quicker() -> None:
    made = pace(100)
    made.refused(told(10), 0, 5.0)
    answered(made, 1000, 5.0 + HELD_S - 0.1)
    assert made.limit == 10
    seen: list[int | None] = []
    for _ in range(4):
        answered(made, made.limit or 0, 5.0 + HELD_S)
        seen.append(made.limit)
    assert seen == [11, 13, 16, 20]
    made.in_flight = 21
    made.refused(told(18), made.round, 100.0)
    answered(made, 18, 200.0)
    assert made.limit == 19, "after a refusal it begins with one again"


def test_a_pause_shuts_it_and_leaves_the_limit() -> None:
    made = pace(3, 500)
    made.pause(True)
    assert (made.most, made.view("m")) == (0, PaceView("m", 500, "published", 3, True))
    answered(made, 5000)
    made.pause(False)
    assert (made.most, made.limit) == (500, 500), "answers that come in a pause say nothing of the limit"


def test_only_one_that_has_learned_nothing_is_blank() -> None:
    assert Pace().is_blank
    assert Pace(500).is_blank
    assert not pace(1).is_blank
    learned = pace(1)
    learned.refused(CROWDED, 0, 0.0)
    learned.in_flight = 0
    assert not learned.is_blank
