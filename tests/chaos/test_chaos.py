"""The short chaos run, and its books falsified: then they must not agree. The long one is `make chaos`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager

import pytest
from tests.chaos.__main__ import Ran, chaos
from tests.chaos.plans import CANARY, marker_of
from tests.chaos.report import growth, report_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return chaos(tmp_path_factory.mktemp("chaos"), seed=3, streams=40, seconds=6.0)


def test_in_bad_weather_nothing_is_lost_doubled_or_left_without_an_answer(ran: Ran) -> None:
    report = report_of(ran.played, ran.weather, ran.books(), ran.stopped, {})
    assert report["wrong"] == []
    clients = report["clients"]
    assert min(clients["answer"], clients["error"], clients["left"]) > 20, (
        "hardly anything happened: this proves nothing"
    )
    assert report["most_open"] == 40
    assert report["money"]["answers"] > 10
    assert any(name.endswith(("killed", "frozen")) for name in report["weather"])
    assert all(report["seen"][name] for name in report["sent"])


@contextmanager
def changed(ran: Ran, statement: str) -> Generator[None]:
    """The ledger as it would be after this, for a while."""
    before = ran.world.ledger.read_bytes()
    with closing(sqlite3.connect(ran.world.ledger, isolation_level=None)) as database:
        database.execute(statement)
    try:
        yield
    finally:
        ran.world.ledger.write_bytes(before)


ANSWERED = "status = 200 AND backend = 'hosted' AND cost_usd IS NOT NULL AND error IS NULL"
FALSE = {
    "a row is lost": (f"DELETE FROM exchanges WHERE seq = (SELECT MAX(seq) FROM exchanges WHERE {ANSWERED})", "no row"),
    "a row stands twice": (
        f"UPDATE exchanges SET request_hash = (SELECT request_hash FROM exchanges WHERE {ANSWERED} LIMIT 1) "
        f"WHERE seq = (SELECT MAX(seq) FROM exchanges WHERE {ANSWERED})",
        "has 2 rows",
    ),
    "a sending is not told": (f"UPDATE exchanges SET sends = '[]' WHERE {ANSWERED}", "the ledger sent it 0 times"),
    "a cost is wrong": (f"UPDATE exchanges SET cost_usd = '0.5' WHERE {ANSWERED}", "the ledger books 0.5"),
    "tokens are wrong": (f"UPDATE exchanges SET output_tokens = 7777 WHERE {ANSWERED}", "output=7777"),
}


@pytest.mark.parametrize(("statement", "says"), FALSE.values(), ids=FALSE)
def test_a_ledger_that_is_not_right_is_found(ran: Ran, statement: str, says: str) -> None:
    with changed(ran, statement):
        assert any(says in one for one in ran.books().wrong)


def test_a_request_that_is_in_no_row_and_a_private_one_outside_are_found(ran: Ran) -> None:
    log = ran.world.sim_log("hosted")
    before = log.read_bytes()
    one = json.loads(before.splitlines()[0])
    one["body"] = {"prompt": f"{CANARY} mark-{marker_of(9_000_000)}-end"}
    log.write_bytes(before + json.dumps(one).encode() + b"\n")
    try:
        wrong = ran.books().wrong
    finally:
        log.write_bytes(before)
    assert any("a private request reached hosted" in one for one in wrong)
    assert any("hosted saw 1 requests that have no row" in one for one in wrong)


@pytest.mark.parametrize(
    ("held", "grown"),
    [(lambda at: 100, 0.0), (lambda at: 100 + at, 0.4), (lambda at: 300 if at < 10 else 100, 0.0)],
    ids=["flat", "grows", "falls while it warms up"],
)
def test_growth_is_seen(held: Callable[[int], int], grown: float) -> None:
    assert growth([(float(at), held(at)) for at in range(100)]) == pytest.approx(grown, abs=0.1)
