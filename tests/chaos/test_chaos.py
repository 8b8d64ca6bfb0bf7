"""The short chaos run, and faults planted into its books: then it must fail. The long one is `make chaos`."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.__main__ import chaos


def test_in_bad_weather_nothing_is_lost_doubled_or_left_without_an_answer(tmp_path: Path) -> None:
    report = chaos(tmp_path, seed=3, streams=40, seconds=8.0)
    assert report["wrong"] == []
    clients, weather = report["clients"], report["weather"]
    assert clients["answer"] > 100, "hardly anything was answered: this proves nothing"
    assert clients["error"] > 20
    assert clients["left"] > 20
    assert report["most_open"] == 40
    assert report["money"]["answers"] > 10
    assert any(name.endswith("killed") for name in weather)
