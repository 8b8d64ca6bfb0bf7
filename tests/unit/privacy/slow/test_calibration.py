"""The sums behind `tidegate policy calibrate`, on vectors of two dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from tidegate.privacy.slow.calibration import Point, calibrated, choose, closeness, neutral_texts


def at(*degrees: float) -> np.ndarray:
    """A text whose windows point in these directions."""
    return np.array([(np.cos(np.radians(one)), np.sin(np.radians(one))) for one in degrees], dtype=np.float32)


def test_closeness_is_that_of_the_best_window_to_the_three_nearest_samples() -> None:
    samples = [at(0), at(10, 170), at(20), at(90), at(180)]
    nearest = np.cos(np.radians([0, 10, 20])).mean()
    assert closeness(at(0, 120), samples) == pytest.approx(nearest, abs=1e-6)


def test_fewer_samples_than_three_are_all_counted() -> None:
    assert closeness(at(0), [at(0), at(90)]) == pytest.approx(0.5, abs=1e-6)


def test_what_can_be_told_apart_gets_a_threshold_in_the_middle() -> None:
    choice = choose([0.8, 0.7, 0.6], [0.2, 0.3])
    assert (choice.chosen.precision, choice.chosen.recall, choice.chosen.f1) == (1.0, 1.0, 1.0)
    assert choice.threshold == pytest.approx(0.45, abs=0.011)
    assert (choice.samples, choice.others) == (3, 2)


def test_of_equal_f1_the_higher_recall_is_chosen() -> None:
    # 0.6: 1 of 2 and none wrong, F1 2/3; 0.4: 2 of 2 and two wrong, F1 2/3.
    choice = choose([0.6, 0.4], [0.5, 0.5])
    assert choice.chosen.f1 == pytest.approx(2 / 3)
    assert (choice.chosen.recall, choice.chosen.precision) == (1.0, 0.5)


def test_the_curve_counts_what_is_at_the_threshold() -> None:
    curve = {point.threshold: point for point in choose([0.5, 0.3], [0.5]).curve}
    assert curve[0.5] == Point(0.5, 0.5, 0.5)
    assert curve[0.51] == Point(0.51, 1.0, 0.0)
    assert curve[0.51].f1 == 0.0


def test_a_sample_is_not_judged_by_itself() -> None:
    odd_one_out = calibrated([at(0), at(1), at(2), at(90)], [at(180)])
    alone = np.cos(np.radians([88, 89, 90])).mean()
    recalls = [point.recall for point in odd_one_out.curve if point.threshold > alone + 0.01]
    assert max(recalls) == 0.75


def test_neutral_texts_are_in_both_languages() -> None:
    texts = neutral_texts()
    chinese = [text for text in texts if "\u4e00" <= text[0] <= "\u9fff"]
    assert len(texts) == len(set(texts)) >= 40
    assert 10 <= len(chinese) < len(texts) / 2
