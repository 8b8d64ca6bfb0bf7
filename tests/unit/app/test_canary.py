"""Where nothing is sent: what is recorded, what is looked through, what is said of paths that are not there."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from tidegate.app.canary import CAPTURE, FILES, LEDGER, _look_at_files, _note, _recorded, prove_canary
from tidegate.app.canary_plan import EACH, MASKED, SHADOW
from tidegate.app.canary_report import Report
from tidegate.app.canary_search import Search
from tidegate.app.canary_values import WORD, plant
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured


def test_records_of_every_level_and_all_that_is_printed_are_caught_and_nothing_stays_changed() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with _recorded() as (printed, logged):
        logging.getLogger("tidegate.x").debug("one %s", "two")
        try:
            raise KeyError("three")
        except KeyError:
            logging.getLogger("other").exception("four")
        print("five")
        print("six", file=sys.stderr)
    assert "one two" in logged[0]
    assert "KeyError: 'three'" in logged[1]
    assert printed.getvalue() == "five\nsix\n"
    assert (root.level, list(root.handlers)) == before


def test_files_and_their_names_are_looked_through(tmp_path: Path) -> None:
    values = [plant(WORD) for _ in range(4)]
    content = tmp_path / "content"
    content.mkdir()
    (tmp_path / "ledger.sqlite3").write_text(values[0].value)
    (tmp_path / "ledger.sqlite3-wal").write_text("nothing")
    (content / "a.sealed").write_text(values[1].value)
    (tmp_path / "profiles.json").write_text(values[2].value)
    (tmp_path / values[3].value).touch()
    report = Report()
    _look_at_files(report, Search(values), tmp_path, content)
    assert {(one.path, one.where) for one in report.arrivals} == {
        (LEDGER, "ledger.sqlite3"),
        (CAPTURE, "a.sealed"),
        (FILES, "profiles.json"),
        (FILES, "a file's name"),
    }
    assert report.lines[LEDGER].requests == 2


def test_what_was_not_there_to_be_tried_is_said() -> None:
    report = Report()
    terms = [{"name": "odd", "patterns": ["a+"]}]
    _note(report, parse_config({"privacy": {"detect": False, "terms": terms}}))
    assert {path for path, line in report.lines.items() if line.note} == {"[[alerts]]", SHADOW, EACH, MASKED, CAPTURE}
    assert [note.split()[0] for note in report.notes] == ["[privacy]", "1", "no"]


def test_a_configuration_that_cannot_be_enforced_is_refused_before_anything_is_sent() -> None:
    config = parse_config({"privacy": {"detect": False}, "policy": [{"name": "a", "found": ["any"], "action": "mask"}]})
    with pytest.raises(Misconfigured, match=r"\[\[policy\]\] a found cannot be enforced"):
        prove_canary(config, lambda _done, _of: None)
