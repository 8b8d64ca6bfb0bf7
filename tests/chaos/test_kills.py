"""The gateway killed a few times under load; fifty times: `python -m tests.chaos.kills`."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.kills import kill_again_and_again


def test_after_a_kill_the_ledger_opens_is_whole_and_has_what_was_answered_before(tmp_path: Path) -> None:
    kills = kill_again_and_again(tmp_path, seed=5, times=2, streams=30)
    assert kills.wrong == []
    assert kills.answers > 50
    assert kills.rows > 50
