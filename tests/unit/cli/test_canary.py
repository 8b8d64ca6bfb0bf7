from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.app.canary_report import Report
from tidegate.cli import canary


def found() -> Report:
    report = Report(sinks=("cloud",), seconds=1.25)
    report.line("first answer").requests = 3
    report.line("first answer").planted = 9
    report.line("metrics").note = "none yet"
    report.statuses[200] = 3
    report.allowed["aws-may", "AWS key", "cloud"] += 2
    report.notes.append("one thing")
    report.quoted = 4
    return report


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Report], None]:
    """The command finds this."""
    monkeypatch.chdir(tmp_path)
    return lambda report: monkeypatch.setattr(canary, "prove_canary", lambda *_, **__: report)


def test_a_clean_run(says: Callable[[Report], None], tidegate: Any) -> None:
    says(found())
    done = tidegate("prove", "--canary")
    assert done.code == 0
    for line in (
        "not tried  metrics: none yet",
        "note       one thing",
        "note       4 errors repeat a wrong model name",
        "allowed    by aws-may: AWS key to cloud, 2 times",
        "No planted value arrived: 9 values in 3 requests, sinks for cloud, 1.2 s.",
    ):
        assert line in done.out


def test_an_arrival_is_bad_news(says: Callable[[Report], None], tidegate: Any) -> None:
    report = found()
    report.arrive("first answer", "cloud", "SEN001", "card")
    says(report)
    done = tidegate("prove", "--canary")
    assert done.code == 1
    assert "ARRIVED    card (SEN001) at cloud, path first answer, 1 times" in done.out
    assert "1 PLANTED VALUES ARRIVED where they must not" in done.out
    done = tidegate("prove", "--canary", "--json")
    assert (done.code, json.loads(done.out)["arrived"]) == (1, 1)


def test_a_fault_is_bad_news_too(says: Callable[[Report], None], tidegate: Any) -> None:
    report = found()
    report.faults["a masked card did not come back"] += 1
    says(report)
    done = tidegate("prove", "--canary")
    assert (done.code, "BUT NOT ALL WAS AS IT SHOULD BE" in done.out) == (1, True)
    assert "FAULT      a masked card did not come back, 1 times" in done.out


def test_the_ledgers_options_are_wrong_use(tidegate: Any) -> None:
    done = tidegate("prove", "--canary", "--days", "3")
    assert (done.code, "--canary reads no ledger" in done.err) == (2, True)


def test_no_model_is_fetched_for_it(tidegate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "samples").mkdir()
    file = tmp_path / "tidegate.toml"
    file.write_text(f'[[privacy.examples]]\nname = "notes"\nfolder = "{tmp_path / "samples"}"\n')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = tidegate("prove", "--canary", "--config", str(file))
    assert (done.code, "fetches nothing" in done.err) == (2, True)
