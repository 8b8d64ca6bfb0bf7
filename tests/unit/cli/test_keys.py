"""Keys by command: created and shown once, listed with what they spent, revoked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.ledgers import CLOUD, booked, written

from tidegate.cli.keys import limits_of, usd_cell
from tidegate.core.boundary import DataClass
from tidegate.core.terms import Terms
from tidegate.keys.order import KeyRecord

Run = Callable[..., Any]
ALL = (
    *("--model", "auto", "--model", "local", "--class", "internal", "--rate", "60", "--concurrency", "4"),
    *("--budget-day", "0.10", "--budget-month", "2", "--when-spent", "local", "--weight", "2", "--priority", "high"),
    *("--expires-days", "30"),
)


def made(tidegate: Run, name: str = "team", *options: str) -> dict[str, Any]:
    ran = tidegate("keys", "create", name, *options, "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def test_a_key_is_shown_once_and_alone_on_standard_output(tidegate: Run) -> None:
    ran = tidegate("keys", "create", "team")
    assert ran.code == 0
    assert re.fullmatch(r"tg_[A-Za-z0-9_-]{43}\n", ran.out)
    assert "cannot be shown again" in ran.err
    key = ran.out.strip()
    assert key not in ran.err
    for flags in ((), ("--json",)):
        listed = tidegate("keys", "list", *flags)
        assert "team" in listed.out and key not in listed.out


def test_every_option_becomes_a_term(tidegate: Run) -> None:
    key = made(tidegate, "team", *ALL)
    (listed,) = json.loads(tidegate("keys", "list", "--json").out)["keys"]
    assert listed == {name: value for name, value in key.items() if name != "key"} | {"spent_usd": {}}
    assert {
        "models": ["auto", "local"],
        "class": "internal",
        "rate_per_minute": 60,
        "concurrency": 4,
        "budget_usd_per_day": "0.10",
        "budget_usd_per_month": "2",
        "when_spent": "local",
        "weight": 2.0,
        "priority": "high",
    }.items() <= listed.items()
    assert listed["expires_at"] == listed["created_at"] + 30 * 86_400


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budget-day", "0"), "a budget must be more than 0"),
        (("--budget-day", "much"), "budget_usd_per_day"),
        (("--rate", "0"), "rate_per_minute"),
        (("--class", "secret"), "class"),
        (("--priority", "first"), "priority"),
        (("--weight", "0"), "weight"),
    ],
)
def test_wrong_options_are_named_and_make_no_key(tidegate: Run, options: tuple[str, ...], said: str) -> None:
    ran = tidegate("keys", "create", "team", *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "There are no keys" in tidegate("keys", "list").out


def test_a_name_of_the_configuration_is_taken(tidegate: Run, tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text('[[clients]]\nname = "team"\nkey_env = "TEAM_KEY"\n')
    ran = tidegate("keys", "create", "team")
    assert (ran.code, "[[clients]] has a client team already" in ran.err) == (2, True)


def test_what_a_key_spent_stands_beside_its_budget(tidegate: Run, tmp_path: Path) -> None:
    key = made(tidegate, "team", "--budget-day", "5")
    rows = [
        booked(n, DataClass.PUBLIC, CLOUD, arrived_at=time.time(), key_id=key["id"], charged_usd="0.75") for n in (1, 2)
    ]
    written(tmp_path / "state" / "tidegate" / "ledger.sqlite3", rows)
    heading, row = tidegate("keys", "list").out.splitlines()
    assert heading.split() == ["id", "name", "state", "models", "limits", "today", "this", "month"]
    assert row.split() == [key["id"], "team", "active", "all", "none", "$1.5000", "of", "$5", "$1.5000"]
    (listed,) = json.loads(tidegate("keys", "list", "--json").out)["keys"]
    assert set(listed["spent_usd"].values()) == {"1.5"}


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_key_is_revoked(tidegate: Run, by: str) -> None:
    key = made(tidegate)
    ran = tidegate("keys", "revoke", key[by])
    assert (ran.code, ran.out) == (0, f"{key['id']} (team) is revoked.\n")
    assert json.loads(tidegate("keys", "revoke", key["id"], "--json").out)["state"] == "revoked"
    assert "revoked" in tidegate("keys", "list").out


def test_who_is_not_there_cannot_be_revoked(tidegate: Run) -> None:
    ran = tidegate("keys", "revoke", "nobody")
    assert (ran.code, "there is no such key" in ran.err) == (2, True)


def test_limits_and_money_in_few_words() -> None:
    def of(**terms: Any) -> str:
        return limits_of(KeyRecord(key_id="k", name="n", terms=Terms("k", **terms), created_at=0))

    assert of() == "none"
    assert of(rate_per_minute=60, concurrency=4, when_spent="local") == "60 per minute, 4 at once, local when spent"
    assert of(data_class=DataClass.INTERNAL, weight=2.0, priority="high") == "class internal, weight 2, priority high"
    assert usd_cell(None, None) == "$0.0000"
    assert usd_cell(Decimal("0.12346"), Decimal("5.00")) == "$0.1235 of $5.00"
