"""From requests to proof: a gateway runs and is stopped, its ledger proves what left, and a removed row is found."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.ledgers import ask, change
from tests.support.process import Running, tidegate, tidegate_up

CONFIG = """
[probe]
enabled = false

[backends.home]
kind = "fake"

[backends.outside]
kind = "fake"
boundary = "external"
models = ["far"]

[backends.partner]
kind = "fake"
boundary = "external"
accepts = "internal"
models = ["near"]

[aliases.notes]
targets = ["home"]
class = "private"
"""
LOOSER = CONFIG.replace('targets = ["home"]\nclass = "private"', 'targets = ["outside", "home"]')


@pytest.fixture
def stopped(tmp_path: Path) -> Generator[Path]:
    """The folder of a gateway that has answered, refused and ended."""
    with tidegate_up(tmp_path, CONFIG, "--no-embedded") as running:
        assert [
            asked(running, "notes"),
            asked(running, "home", "internal"),
            asked(running, "outside"),
            asked(running, "outside", "private"),
            asked(running, "partner", "internal"),
        ] == [200, 200, 200, 403, 200]
        running.stop()
    yield tmp_path


def asked(running: Running, model: str, data_class: str = "public") -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return running.post(body, {"x-tidegate-class": data_class})[0]


def proof(folder: Path, *more: str) -> tuple[int, Any]:
    ran = tidegate(folder, "prove", "--json", *more)
    return ran.returncode, json.loads(ran.stdout)


def test_what_left_is_proven_and_a_removed_row_is_found(stopped):
    code, shown = proof(stopped)
    assert (code, shown["ok"], shown["chain"]["rows"]) == (0, True, 5)
    classes = shown["classes"]
    assert (classes["private"]["device"], classes["private"]["not_sent"], classes["private"]["left"]) == (1, 1, 0)
    assert (classes["internal"]["device"], classes["internal"]["left"], classes["public"]["left"]) == (1, 1, 1)
    assert [(one["data_class"], one["backends"]) for one in shown["left"]] == [("internal", ["partner"])]

    head = tidegate(stopped, "prove", "--head").stdout.strip()
    ledger = stopped / "state" / "tidegate" / "ledger.sqlite3"
    ((gone,),) = ask(ledger, "SELECT seq FROM exchanges WHERE backend = 'partner'")
    assert change(ledger, "DELETE FROM exchanges WHERE backend = 'partner'") == 1
    ran = tidegate(stopped, "prove", "--expect", head)
    assert ran.returncode == 1
    assert f"LED005  row {gone}" in ran.stdout or f"LED001  row {gone}" in ran.stdout

    with tidegate_up(stopped, CONFIG, "--no-embedded") as running:
        assert asked(running, "home") == 200
        running.stop()
    code, shown = proof(stopped)
    assert (code, [fault["code"] for fault in shown["chain"]["faults"]]) == (1, ["LED001"])


def test_another_policy_is_tried_on_what_was_asked(stopped):
    (stopped / "looser.toml").write_text(LOOSER)
    same = tidegate(stopped, "replay", "--policy", "tidegate.toml")
    assert (same.returncode, "Nothing more would leave." in same.stdout) == (0, True)
    looser = tidegate(stopped, "replay", "--policy", "looser.toml", "--json")
    assert looser.returncode == 1
    first = json.loads(looser.stdout)["changes"][0]
    assert (first["kind"], first["then"], first["now"], first["count"]) == ("would leave now", "home", "left", 1)
    ((exchange_id,),) = ask(
        stopped / "state" / "tidegate" / "ledger.sqlite3",
        "SELECT exchange_id FROM exchanges WHERE asked_model = 'notes'",
    )
    assert first["examples"] == [exchange_id]


def test_an_exchange_shows_where_it_was_sent(stopped):
    ((exchange_id,),) = ask(
        stopped / "state" / "tidegate" / "ledger.sqlite3", "SELECT exchange_id FROM exchanges WHERE backend = 'partner'"
    )
    shown = json.loads(tidegate(stopped, "explain", exchange_id, "--json", "--url", "http://127.0.0.1:1").stdout)
    assert shown["sends"] == [{"backend": "partner", "boundary": "external", "class": "internal", "masked": False}]
    assert shown["wished_class"] in (None, "internal")
