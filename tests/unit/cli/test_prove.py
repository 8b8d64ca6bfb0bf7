"""`tidegate prove`: the table, the list, the verdict, the head to note, and the exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.ledgers import BEGAN, CLOUD, HOME, LAB, MASKED, booked, change, written

from tidegate.cli import prove as command
from tidegate.core.boundary import DataClass
from tidegate.ledger.entries import NEW_IN_VERSION_2, Entry

Run = Callable[..., Any]
PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE
ENTRIES = [
    booked(0, PRIVATE, HOME),
    booked(1, PRIVATE, LAB),
    booked(2, INTERNAL, CLOUD, policy_rows="mail"),
    booked(3, INTERNAL, MASKED),
    booked(4, PUBLIC, CLOUD),
    booked(5, None),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the command looks for the ledger of a gateway without configuration."""
    return tmp_path / "state" / "tidegate" / "ledger.sqlite3"


def rows_of(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_where_exchanges_went_is_shown_by_class(path, tidegate):
    written(path, ENTRIES)
    ran = tidegate("prove")
    assert (ran.code, ran.err) == (0, "")
    for row in (
        ["private", "2", "1", "1", "0", "0", "0"],
        ["internal", "2", "0", "0", "1", "1", "0"],
        ["public", "1", "0", "0", "1", "0", "0"],
        ["none", "1", "0", "0", "0", "0", "1"],
    ):
        assert row in rows_of(ran.out)
    assert "2 private or internal left:" in ran.out
    assert "The chain is whole: 6 rows." in ran.out
    assert "note the head elsewhere" in ran.out


def test_what_left_is_listed_with_time_backend_rules_and_masking(path, tidegate):
    written(path, ENTRIES)
    out = tidegate("prove").out
    at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(BEGAN + 2))
    assert f"  {ENTRIES[2].exchange_id}  {at}  internal to cloud, not masked\n" in out
    assert "    by CLS001,RTE003, policy rows mail\n" in out
    assert f"  {ENTRIES[3].exchange_id}  " in out
    assert "internal to cloud, masked\n    by CLS001,RTE003\n" in out
    assert ENTRIES[4].exchange_id not in out


def test_another_class_can_be_listed(path, tidegate):
    written(path, ENTRIES)
    assert "1 public left:" in tidegate("prove", "--class", "public").out
    assert "Nothing private left." in tidegate("prove", "--class", "private").out


def test_a_private_one_that_left_unmasked_is_bad_news(path, tidegate):
    written(path, [booked(0, PRIVATE, MASKED)])
    assert tidegate("prove").code == 0
    written(path, [booked(1, PRIVATE, CLOUD)])
    assert tidegate("prove").code == 1
    assert tidegate("prove", "--class", "public").code == 1


def test_a_broken_chain_is_bad_news_and_names_the_place(path, tidegate):
    written(path, ENTRIES)
    change(path, "DELETE FROM exchanges WHERE seq IN (2, 3)")
    ran = tidegate("prove")
    assert ran.code == 1
    assert "THE CHAIN IS BROKEN: 1 faults in 4 rows." in ran.out
    assert "LED001  rows 2 to 3: rows are gone from inside the chain" in ran.out
    shown = json.loads(tidegate("prove", "--json").out)
    assert (shown["ok"], shown["chain"]["whole"]) == (False, False)
    assert shown["chain"]["faults"] == [
        {"code": "LED001", "title": "rows are gone from inside the chain", "seq": 2, "where": "rows 2 to 3"}
    ]


def test_the_noted_head_is_found_again_or_missed(path, tidegate):
    written(path, ENTRIES[:3])
    noted = tidegate("prove", "--head")
    assert (noted.code, len(noted.out.strip())) == (0, 64)
    written(path, ENTRIES[3:])
    seal = noted.out.strip()
    ran = tidegate("prove", "--expect", seal.upper())
    assert (ran.code, "and the noted head is part of it" in ran.out) == (0, True)
    assert json.loads(tidegate("prove", "--head", "--json").out)["seq"] == 6
    missed = tidegate("prove", "--expect", "0" * 64)
    assert missed.code == 1
    assert "LED007  seal 0000" in missed.out


def test_a_head_that_was_changed_is_not_printed_to_be_noted(path, tidegate):
    written(path, ENTRIES)
    change(path, "UPDATE chain SET seq = 5")
    ran = tidegate("prove", "--head")
    assert (ran.code, ran.out) == (1, "")
    assert "LED006" in ran.err


def test_one_json_document_says_it_all(path, tidegate):
    written(path, ENTRIES)
    shown = json.loads(tidegate("prove", "--json").out)
    assert (shown["ok"], shown["chain"]["rows"], shown["chain"]["seq"], shown["left_count"]) == (True, 6, 6, 2)
    assert shown["classes"]["internal"] == {
        "exchanges": 2,
        "device": 0,
        "private": 0,
        "left": 1,
        "left_masked": 1,
        "stopped": 0,
        "not_sent": 0,
    }
    first = shown["left"][0]
    assert (first["exchange_id"], first["backends"], first["policy_rows"]) == (
        ENTRIES[2].exchange_id,
        ["cloud"],
        ["mail"],
    )


def test_days_look_back_from_now(path, tidegate):
    recent = replace(booked(9, INTERNAL, CLOUD), arrived_at=time.time() - 3600)
    written(path, [*ENTRIES, recent])
    assert json.loads(tidegate("prove", "--days", "1", "--json").out)["left_count"] == 1
    assert tidegate("prove", "--days", "-1").code == 2


def test_rows_of_version_1_and_what_was_stopped_are_told_apart(path, tidegate):
    old = dict.fromkeys(NEW_IN_VERSION_2)
    written(path, [booked(0, PRIVATE, HOME, **old), booked(1, PRIVATE, CLOUD, error="BoundaryBreach")])
    ran = tidegate("prove")
    assert ran.code == 0
    assert "1 exchanges are from before version 2" in ran.out
    assert ["private", "2", "1", "0", "0", "0", "0", "1"] in rows_of(ran.out)


def test_what_somebody_wrote_into_the_file_does_not_steer_the_terminal(path, tidegate):
    written(path, ENTRIES)
    change(path, "UPDATE exchanges SET exchange_id = char(27) || '[2J[bold]' WHERE seq = 3")
    ran = tidegate("prove")
    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "?[2J[bold]" in ran.out


def test_many_are_shown_in_part_and_counted_in_full(path, tidegate, monkeypatch):
    monkeypatch.setattr("tidegate.ledger.proof._MOST_LISTED", 2)
    monkeypatch.setattr("tidegate.ledger.verify._MOST_SHOWN", 2)
    entries: list[Entry] = [booked(number, INTERNAL, CLOUD) for number in range(5)]
    written(path, entries)
    change(path, "UPDATE exchanges SET client = 'x'")
    ran = tidegate("prove")
    assert "and 3 more; --days or --class" in ran.out
    assert ran.out.count("LED002") == 2
    assert "\n  and 3 more\n" in ran.out


def test_wrong_use_is_one_line(path, tidegate):
    assert "there is no ledger" in tidegate("prove").err
    written(path, ENTRIES)
    for arguments, said in (
        (("--class", "secret"), "--class 'secret' is not one of"),
        (("--expect", "12"), "64 hexadecimal digits"),
    ):
        ran = tidegate("prove", *arguments)
        assert (ran.code, said in ran.err) == (2, True)


def test_a_bar_is_shown_on_a_terminal_only(path, tidegate, monkeypatch, capsys):
    with command.progress() as told:
        told(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with command.progress() as told:
        told(1, 2)
    assert "reading the ledger" in capsys.readouterr().err
