"""`tidegate replay`: then and now in one table, and exit code 1 for what would leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.ledgers import CLOUD, HOME, booked, written

from tidegate.core.boundary import DataClass

Run = Callable[..., Any]
PUBLIC, PRIVATE = DataClass.PUBLIC, DataClass.PRIVATE
ALONE = "[probe]\nenabled = false\n[embedded]\nenabled = false\n"
BOX = '[backends.box]\nkind = "llamacpp"\nbase_url = "http://127.0.0.1:8080"\n'
OUT = '[backends.cloud]\nkind = "deepseek"\n'


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    entries = [
        booked(0, PUBLIC, HOME),
        booked(1, PUBLIC, CLOUD),
        booked(2, PRIVATE, HOME, wished_class="private"),
        booked(3, None),
    ]
    return written(tmp_path / "state" / "tidegate" / "ledger.sqlite3", entries)


def policy(tmp_path: Path, text: str) -> str:
    file = tmp_path / "new.toml"
    file.write_text(ALONE + text)
    return str(file)


def test_what_would_stay_home_is_good_news(tmp_path, ledger, tidegate):
    ran = tidegate("replay", "--policy", policy(tmp_path, BOX))
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["unchanged", "home", "home", "2", booked(0).exchange_id] in lines
    assert ["would", "stay", "home", "now", "left", "home", "1", booked(1).exchange_id] in lines
    assert "Nothing more would leave." in ran.out


def test_what_would_leave_is_bad_news_and_comes_first(tmp_path, ledger, tidegate):
    ran = tidegate("replay", "--policy", policy(tmp_path, OUT + BOX), "--json")
    assert ran.code == 1
    shown = json.loads(ran.out)
    assert (shown["ok"], shown["exchanges"]) == (False, 4)
    assert shown["changes"][0] == {
        "kind": "would leave now",
        "then": "home",
        "now": "left",
        "count": 1,
        "examples": [booked(0).exchange_id],
    }
    kinds = [change["kind"] for change in shown["changes"]]
    assert sorted(kinds) == ["cannot say", "unchanged", "unchanged", "would leave now"]
    assert "1 EXCHANGES WOULD OR COULD LEAVE" in tidegate("replay", "--policy", policy(tmp_path, OUT + BOX)).out


def test_days_look_back_from_now(tmp_path, ledger, tidegate):
    ran = tidegate("replay", "--policy", policy(tmp_path, OUT), "--days", "0.001")
    assert (ran.code, ran.out) == (0, "There are no exchanges to try it on.\n")


def test_a_private_one_is_refused_where_nothing_is_at_home(tmp_path, ledger, tidegate):
    shown = json.loads(tidegate("replay", "--policy", policy(tmp_path, OUT), "--json").out)
    assert {change["kind"]: change["count"] for change in shown["changes"]}["refused now"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("[[nothing]]\n", "does not exist"), ('[privacy]\ndefault_class = "private"\n' + OUT, "cannot be enforced")],
)
def test_a_configuration_that_would_not_start_is_wrong_use(tmp_path, ledger, tidegate, text, said):
    ran = tidegate("replay", "--policy", policy(tmp_path, text))
    assert (ran.code, said in ran.err) == (2, True)


def test_without_a_ledger_there_is_nothing_to_try_it_on(tmp_path, tidegate):
    ran = tidegate("replay", "--policy", policy(tmp_path, BOX))
    assert (ran.code, "there is no ledger" in ran.err) == (2, True)
