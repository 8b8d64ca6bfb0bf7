"""The numbers themselves: counters and histograms as plain cells. No lock, no clock, no library.

A cell costs a tenth of a microsecond to raise, where the library's, made for threads, costs up to a whole one; there is one
event loop, and it counts. Several processes are summed by what each `dump`s.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from tidegate.surfaces.metrics.catalogue import COUNTED, Metric

OTHER = "other"
MOST_SERIES = 5000
"""Of one metric. What would be more is counted together, so that no client can fill the memory with names."""

Labels = tuple[str, ...]


class Counter:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Histogram:
    """`counts` has one place more than there are bounds: what is above the last one."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Tally:
    """All that was counted, by metric and labels."""

    def __init__(self) -> None:
        self._counters: dict[Metric, dict[Labels, Counter]] = {one: {} for one in COUNTED if one.kind == "counter"}
        self._histograms: dict[Metric, dict[Labels, Histogram]] = {
            one: {} for one in COUNTED if one.kind == "histogram"
        }

    def counter(self, metric: Metric, *labels: str) -> Counter:
        """The cell of these labels, in the order of the catalogue; whoever counts often keeps it."""
        cells = self._counters[metric]
        cell = cells.get(labels)
        if cell is None:
            cell = cells.setdefault(_bounded(metric, labels, len(cells)), Counter())
        return cell

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        cells = self._histograms[metric]
        cell = cells.get(labels)
        if cell is None:
            cell = cells.setdefault(_bounded(metric, labels, len(cells)), Histogram(metric.buckets))
        return cell

    def counters(self) -> Iterator[tuple[Metric, list[tuple[Labels, float]]]]:
        for metric, cells in self._counters.items():
            yield metric, [(labels, cell.value) for labels, cell in cells.items()]

    def histograms(self) -> Iterator[tuple[Metric, list[tuple[Labels, list[int], float]]]]:
        for metric, cells in self._histograms.items():
            yield metric, [(labels, list(cell.counts), cell.sum) for labels, cell in cells.items()]

    def dump(self) -> dict[str, Any]:
        """As plain lists and numbers, to be told to another process."""
        return {
            "counters": {metric.name: cells for metric, cells in self.counters()},
            "histograms": {metric.name: cells for metric, cells in self.histograms()},
        }

    def add(self, dumped: dict[str, Any]) -> None:
        """Count what another process has counted as well."""
        for metric in self._counters:
            for labels, value in dumped["counters"].get(metric.name, ()):
                self.counter(metric, *labels).value += value
        for metric in self._histograms:
            for labels, counts, total in dumped["histograms"].get(metric.name, ()):
                cell = self.histogram(metric, *labels)
                cell.counts = [mine + more for mine, more in zip(cell.counts, counts, strict=True)]
                cell.sum += total


def _bounded(metric: Metric, labels: Labels, known: int) -> Labels:
    if len(labels) != len(metric.labels):
        raise TypeError(f"{metric.name} has the labels {metric.labels}")
    return labels if known < MOST_SERIES else (OTHER,) * len(labels)
