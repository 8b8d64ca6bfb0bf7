"""Detection holds its bounds on the held-out split: of structured data nearly all is found, and little else is.

The texts are `tests/support/labelled`; nothing of the held-out split was shown to whoever wrote the rules. The bounds are
the promise of `docs/detection.md` and are never loosened.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from tests.support.labelled import STRUCTURED, Label, Labelled, Split, labelled, negatives
from tests.support.labelled.expected import EXPECTED, GENERIC
from tests.support.labelled.measure import Found, Report, markdown, measure

from tidegate.core.findings import Finding
from tidegate.privacy.patterns.scanner import Scanner

RECALL, PRECISION = 0.99, 0.98


def structured(split: Split) -> Report:
    texts = (*labelled(split), *negatives(split))
    return measure(Scanner().scan, texts, EXPECTED, STRUCTURED, GENERIC)


@pytest.mark.parametrize("split", ["dev", "held-out"])
def test_structured_data_is_found_and_little_else(split: Split) -> None:
    report = structured(split)
    print(f"\n{split} split, structured data: {markdown(report)}")
    recall, precision = report.total.recall, report.precision  # a failure shows these, not the texts
    assert recall >= RECALL
    assert precision >= PRECISION


def test_the_measure_can_fail() -> None:
    """A detector that is half blind, and one that sees too much, miss the bounds."""
    text = Labelled("card 4111 and card 4222", (Label("card", 5, 9), Label("card", 19, 23)), "plain", "en")
    expected = {"card": frozenset({"SEN1"})}

    def blind(_: str) -> Iterable[Found]:
        return [Finding("SEN1", "personal", 5, 9)]

    def eager(_: str) -> Iterable[Found]:
        return [Finding("SEN1", "personal", start, start + 4) for start in (5, 10, 19)]

    def vague(_: str) -> Iterable[Found]:
        return [Finding("SEN1", "personal", 5, 6), Finding("SEN2", "personal", 19, 23)]

    half, all_of_it, none = (measure(scan, [text], expected) for scan in (blind, eager, vague))
    assert (half.total.recall, half.precision) == (0.5, 1.0)
    assert (all_of_it.total.recall, all_of_it.precision) == (1.0, 2 / 3)
    assert (none.total.recall, none.total.recall_any) == (0.0, 0.5)
    assert [miss.codes for miss in none.misses] == [("SEN1",), ("SEN2",)]
