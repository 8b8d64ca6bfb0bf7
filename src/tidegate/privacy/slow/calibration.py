"""From which similarity is a text like the samples? Leave-one-out over the samples, against texts that are not of their kind.

Sums over vectors and nothing else: the texts are embedded in `privacy/slow/examples`, the result is shown by `cli/policy`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

# The mean over the three nearest samples keeps contracts and everyday requests apart where the nearest one alone does not
# (own samples, 2026-11-24: lowest of the kind .32, highest of the others .26; with the nearest alone .33 and .35).
NEAREST = 3
STEPS = tuple(number / 100 for number in range(5, 100))

Array = Any


@dataclass(frozen=True, slots=True)
class Point:
    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """`chosen` is a point of the curve; `samples` and `others` say how much it rests on."""

    curve: tuple[Point, ...]
    chosen: Point
    samples: int
    others: int

    @property
    def threshold(self) -> float:
        return self.chosen.threshold


def closeness(windows: Array, samples: Sequence[Array]) -> float:
    """Of the window that is nearest: the mean similarity to the nearest samples, each by its nearest window."""
    import numpy as np

    nearest = np.stack([(windows @ sample.T).max(axis=1) for sample in samples], axis=1)
    return float(np.sort(nearest, axis=1)[:, -NEAREST:].mean(axis=1).max())


def calibrated(samples: Sequence[Array], others: Sequence[Array]) -> Choice:
    """Each sample is judged by the rest, each other text by all of them."""
    inside = [
        closeness(sample, [one for place, one in enumerate(samples) if place != left_out])
        for left_out, sample in enumerate(samples)
    ]
    return choose(inside, [closeness(other, samples) for other in others])


def choose(inside: Sequence[float], outside: Sequence[float]) -> Choice:
    """The highest F1; of equals the highest recall, and of those the middle, which is farthest from either mistake."""
    curve = tuple(_point(threshold, inside, outside) for threshold in STEPS)
    best = max((point.f1, point.recall) for point in curve)
    equals = [point for point in curve if (point.f1, point.recall) == best]
    return Choice(curve, equals[(len(equals) - 1) // 2], len(inside), len(outside))


def _point(threshold: float, inside: Sequence[float], outside: Sequence[float]) -> Point:
    hits = sum(score >= threshold for score in inside)
    wrong = sum(score >= threshold for score in outside)
    return Point(threshold, hits / (hits + wrong) if hits + wrong else 1.0, hits / len(inside))


def neutral_texts() -> list[str]:
    """Everyday requests that come with the package, English and Chinese."""
    written = resources.files("tidegate.privacy.slow").joinpath("neutral.toml").read_text(encoding="utf-8")
    texts: dict[str, list[str]] = tomllib.loads(written)
    return [text for group in texts.values() for text in group]
