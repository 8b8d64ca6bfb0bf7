"""A finding is named by its rule, or by the operator's own word."""

from __future__ import annotations

from tidegate.core.findings import NOTHING_SEEN, Finding, Sight


def test_our_rules_are_named_by_code_and_the_operators_by_their_names() -> None:
    assert Finding("SEN001", "personal", 0, 4).tag == "SEN001"
    assert Finding("SEN070", "term", 0, 4, label="falcon").tag == "term:falcon"
    assert Finding("SEN090", "example", 0, 4, label="contracts").tag == "example:contracts"


def test_a_sight_counts_its_tags_and_a_failed_one_says_only_that() -> None:
    one = Finding("SEN001", "personal", 0, 4)
    sight = Sight((("a", (one, one)), ("b", (Finding("SEN080", "term", 0, 1, label="x"),))))
    assert (sight.tags, sight.counts) == ({"SEN001", "term:x"}, {"SEN001": 2, "term:x": 1})
    assert (Sight(sight.places, "SEN096").tags, Sight(failed="SEN097").counts) == ({"SEN096"}, {"SEN097": 1})
    assert NOTHING_SEEN.tags == frozenset()


def test_what_another_tier_found_is_joined_by_place() -> None:
    one, two = Finding("SEN001", "personal", 0, 4), Finding("SEN085", "name", 5, 9)
    assert Sight((("a", (one,)),)).joined([("a", (two,)), ("b", (two,))]).places == (("a", (one, two)), ("b", (two,)))
