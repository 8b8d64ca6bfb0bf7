"""The simulator's log: a line for each request, with what was asked only where that was wished for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli.sim_log import request_log
from tidegate.core.errors import Misconfigured
from tidegate.simulator.seen import Seen


def seen(number: int) -> Seen:
    at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    one = Seen(request_id=f"r{number}", method="POST", path="/chat/completions", arrived=at, outcome="answered")
    one.body, one.status, one.cost = b'{"model":"deepseek-flash"}', 200, Decimal("0.0000018")
    return one


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_request_is_a_line_without_its_body(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    with request_log(path, with_bodies=False) as log:
        log.note(seen(1))
        log.note(seen(2))
        found = lines(path)  # a line is there at once, not when the simulator stops
    assert [one["request_id"] for one in found] == ["r1", "r2"]
    assert (found[0]["outcome"], found[0]["status"], Decimal(found[0]["cost"])) == (
        "answered",
        200,
        Decimal("0.0000018"),
    )
    assert all("body" not in one for one in found)
    assert path.stat().st_mode & 0o077 == 0, "it is the owner's"


def test_bodies_are_written_where_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    with request_log(path, with_bodies=True) as log:
        log.note(seen(1))
    assert lines(path)[0]["body"] == {"model": "deepseek-flash"}


def test_an_earlier_log_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    for number in (1, 2):
        with request_log(path, with_bodies=False) as log:
            log.note(seen(number))
    assert [one["request_id"] for one in lines(path)] == ["r1", "r2"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Misconfigured, match=r"--log: .*missing/log cannot be written"),
        request_log(tmp_path / "missing" / "log", with_bodies=False),
    ):
        pass
