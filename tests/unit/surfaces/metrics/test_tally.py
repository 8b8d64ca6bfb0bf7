"""Cells of counters and histograms: what they hold, how two processes are summed, and that names cannot fill the memory."""

from __future__ import annotations

import json

import pytest

from tidegate.surfaces.metrics import tally as module
from tidegate.surfaces.metrics.catalogue import ATTEMPTS, COST, QUEUE_WAIT, SECONDS
from tidegate.surfaces.metrics.tally import OTHER, Tally


def test_a_cell_is_one_for_its_labels() -> None:
    tally = Tally()
    tally.counter(ATTEMPTS, "home", "ok").value += 1
    tally.counter(ATTEMPTS, "home", "ok").value += 2
    tally.counter(ATTEMPTS, "home", "BackendFailed").value += 1
    assert dict(dict(tally.counters())[ATTEMPTS]) == {("home", "ok"): 3, ("home", "BackendFailed"): 1}


@pytest.mark.parametrize(("value", "place"), [(0.0, 0), (0.01, 0), (0.0101, 1), (81.92, 13), (82.0, 14)])
def test_a_value_counts_up_to_and_with_its_bound(value: float, place: int) -> None:
    tally = Tally()
    cell = tally.histogram(QUEUE_WAIT, "home")
    cell.observe(value)
    assert cell.counts == [int(at == place) for at in range(len(SECONDS) + 1)]
    assert cell.sum == value


def test_what_another_process_counted_is_added_after_a_journey_as_json() -> None:
    one, other = Tally(), Tally()
    for tally in (one, other):
        tally.counter(COST, "ann", "cloud").value += 0.25
        tally.histogram(QUEUE_WAIT, "home").observe(0.5)
    other.counter(COST, "bob", "cloud").value += 1
    one.add(json.loads(json.dumps(other.dump())))
    assert dict(dict(one.counters())[COST]) == {("ann", "cloud"): 0.5, ("bob", "cloud"): 1}
    ((labels, counts, total),) = dict(one.histograms())[QUEUE_WAIT]
    assert (labels, sum(counts), total) == (("home",), 2, 1.0)


def test_a_dump_of_a_process_that_does_not_know_a_metric_is_added_all_the_same() -> None:
    tally = Tally()
    tally.add({"counters": {"tidegate_new_total": [[["x"], 1]]}, "histograms": {}})
    assert all(not cells for _, cells in tally.counters())


def test_series_are_bounded_and_what_is_more_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 3)
    tally = Tally()
    for number in range(10):
        tally.counter(ATTEMPTS, f"b{number}", "ok").value += 1
        tally.histogram(QUEUE_WAIT, f"b{number}").observe(1)
    counted = dict(dict(tally.counters())[ATTEMPTS])
    assert counted == {("b0", "ok"): 1, ("b1", "ok"): 1, ("b2", "ok"): 1, (OTHER, OTHER): 7}
    assert len(dict(tally.histograms())[QUEUE_WAIT]) == 4


def test_too_few_labels_are_noticed() -> None:
    with pytest.raises(TypeError, match="tidegate_attempts_total has the labels"):
        Tally().counter(ATTEMPTS, "home")
