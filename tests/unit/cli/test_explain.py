"""Explaining: every rule in full, the nearest one for a typo, and an exchange from the gateway or else from the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.cli.explain import BOOKS, find_rule
from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Exchange
from tidegate.ledger.entries import entry_of
from tidegate.ledger.store import Ledger

Run = Callable[..., Any]
CODES = [rule.code for book in BOOKS for rule in book]
NOBODY = ("--url", "http://127.0.0.1:1")
EXCHANGE: dict[str, Any] = {
    "exchange_id": "ex_1",
    "status": 200,
    "error": None,
    "asked_model": "auto",
    "data_class": "private",
    "backend": "home",
    "model": "m",
    "boundary": "device",
    "rules": ["CLS004", "RTE003", "RTE010", "RTE020"],
    "quirks": ["GEN001"],
    "verdicts": [
        {"backend": "cloud", "rule": "RTE010", "kept": False},
        {"backend": "home", "rule": "RTE020", "kept": True},
    ],
    "prompt_tokens": 5,
    "cache_hit_tokens": None,
    "output_tokens": 3,
    "reasoning_tokens": None,
    "cost_usd": None,
    "first_frame_s": None,
    "duration_s": 1.0,
}


@pytest.mark.parametrize("code", CODES)
def test_every_rule_is_told_in_full(tidegate: Run, code: str) -> None:
    shown, rule = tidegate("explain", code.lower()), find_rule(code)
    assert shown.code == 0
    assert shown.out.startswith(f"{code}  {rule.title}\n\nwhy      {rule.why}\n")
    assert f"\nsource   {rule.source}\nchecked  {rule.checked}\n" in shown.out


def test_codes_are_given_once() -> None:
    assert len(set(CODES)) == len(CODES) >= 30


def test_without_a_code_all_are_listed(tidegate: Run) -> None:
    listed = tidegate("explain").out.splitlines()
    assert [line[:6] for line in listed] == CODES
    assert all(line[6:8] == "  " and len(line) > 10 for line in listed)


def test_rules_are_one_json_document(tidegate: Run) -> None:
    every, one = json.loads(tidegate("explain", "--json").out), json.loads(tidegate("explain", "RTE010", "--json").out)
    assert [rule["code"] for rule in every] == CODES
    assert list(one[0]) == ["code", "title", "why", "source", "checked"]
    assert one[0]["code"] == "RTE010"


@pytest.mark.parametrize(
    ("typo", "nearest"), [("RTE01", "RTE0"), ("RT010", "RTE010"), ("GEN01", "GEN0"), ("rte0100", "RTE010")]
)
def test_a_typo_gets_the_nearest_code(tidegate: Run, typo: str, nearest: str) -> None:
    shown = tidegate("explain", typo)
    assert shown.code == 2
    assert f"there is no rule {typo.upper()}; did you mean {nearest}" in shown.err


def test_a_word_that_is_no_code_points_to_the_list() -> None:
    with pytest.raises(Misconfigured, match="`tidegate explain` lists all rules"):
        find_rule("NONSENSE")


def test_an_exchange_is_told_from_the_gateway(tidegate: Run, gateway: Any) -> None:
    gateway.says("/-/exchanges/ex_1", json.dumps(EXCHANGE).encode())
    shown = tidegate("explain", "ex_1", "--url", gateway.url)
    assert shown.code == 0
    first, *rest = shown.out.splitlines()
    assert first == "ex_1: status 200, asked for auto"
    assert "  class     private" in rest
    assert any(line.startswith("  cloud        dropped  RTE010  ") for line in rest)
    assert any(line.startswith("  home         kept     RTE020  ") for line in rest)
    for code in (*EXCHANGE["rules"], *EXCHANGE["quirks"]):
        assert f"  {code}  {find_rule(code).title}" in rest


def test_a_request_that_failed_before_its_decision_is_told_too(tidegate: Run, gateway: Any) -> None:
    failed = {
        **EXCHANGE,
        "status": 401,
        "error": "AuthenticationFailed",
        "asked_model": None,
        "rules": [],
        "quirks": [],
    }
    gateway.says("/-/exchanges/ex_1", json.dumps({**failed, "verdicts": []}).encode())
    shown = tidegate("explain", "ex_1", "--url", gateway.url)
    assert shown.out == "ex_1: status 401 (AuthenticationFailed), asked for an unknown model\n"


def test_an_exchange_is_one_json_document(tidegate: Run, gateway: Any) -> None:
    gateway.says("/-/exchanges/ex_1", json.dumps(EXCHANGE).encode())
    assert json.loads(tidegate("explain", "ex_1", "--url", gateway.url, "--json").out) == EXCHANGE


def write_ledger(path: Path, exchange_id: str) -> None:
    ledger = Ledger(path)
    ledger.open()
    exchange = Exchange(exchange_id, "openai_chat", 1.0, status=499, error="ClientLeft", duration_s=0.5)
    ledger.record(entry_of(exchange))
    ledger.close()


def test_without_a_gateway_the_ledger_tells(tidegate: Run, tmp_path: Path) -> None:
    write_ledger(tmp_path / "state" / "tidegate" / "ledger.sqlite3", "ex_old")
    shown = tidegate("explain", "ex_old", *NOBODY)
    assert (shown.code, shown.out) == (0, "ex_old: status 499 (ClientLeft), asked for an unknown model\n")


def test_the_ledger_of_the_configuration_is_asked(tidegate: Run, tmp_path: Path) -> None:
    write_ledger(tmp_path / "own.sqlite3", "ex_old")
    (tmp_path / "my.toml").write_text(f"[ledger]\npath = '{tmp_path / 'own.sqlite3'}'\n")
    assert tidegate("explain", "ex_old", *NOBODY).code == 2
    assert tidegate("explain", "ex_old", *NOBODY, "--config", "my.toml").code == 0


def test_an_exchange_that_nobody_knows_names_where_it_looked(tidegate: Run, gateway: Any, tmp_path: Path) -> None:
    for url in (gateway.url, NOBODY[1]):
        shown = tidegate("explain", "ex_none", "--url", url)
        assert shown.code == 2
        assert "no exchange ex_none: not at the gateway (--url)" in shown.err
        assert "ledger.sqlite3" in shown.err
