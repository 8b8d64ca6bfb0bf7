"""`status --watch`: a line for each change, one document per look, a picture; a gateway that is away is waited for."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from tests.unit.cli.test_status import CLOUD, HOME, STATUS

from tidegate.cli import live
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.live import balance_words, changes, spark
from tidegate.core.errors import Misconfigured

Run = Callable[..., Any]
BALANCE = {"amounts": {"USD": "1.50"}, "low": True, "low_balance": 2.0, "error": None}


def status(health: str = "up", **more: Any) -> dict[str, Any]:
    return {**STATUS, "backends": [{**HOME, "health": health}, CLOUD], **more}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What each look finds; after the last one comes Ctrl-C. Nobody sleeps."""

    def set_looks(*found: Any) -> None:
        left = [*found]

        def get(_url: str, _path: str) -> Any:
            if not left:
                raise KeyboardInterrupt
            one = left.pop(0)
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr(live, "get_json", get)
        monkeypatch.setattr(live.time, "sleep", lambda _seconds: None)

    return set_looks


def lines(*found: Any) -> list[str]:
    return [line.partition(" ")[2] for line in changes(iter(found), lambda: "12:00:00Z")]


def test_a_line_for_each_thing_and_then_for_each_change() -> None:
    assert lines(status(), status(), status("down"), None, None, status("down"), status()) == [
        "gateway: up, version 0.1.0",
        "backend home: up",
        "backend cloud: unknown",
        "backend home: down",
        "gateway: away",
        "gateway: up, version 0.1.0",
        "backend home: up",
    ]


def test_breakers_balance_alerts_and_trouble_of_the_ledger_are_things() -> None:
    breaker = {"backend": "home", "model": "m", "state": "open"}
    alert = {"at": 1_700_000_000.0, "event": "backend_down", "backend": "home"}
    trouble = {"written": 1, "waiting": 1, "dropped": 0, "error": "disk full"}
    told = lines(
        status(),
        status(breakers=[breaker], balance=BALANCE, alerts={"last": [alert]}, ledger=trouble),
        {**status(), "backends": [HOME]},
    )[3:]
    assert told == [
        "breaker home/m: open",
        "balance: 1.50 USD, below 2",
        "alert 22:13:20Z: backend_down backend=home",
        "ledger: disk full",
        *told[4:],
    ]
    assert {*told[4:]} == {
        "backend cloud: gone",
        "breaker home/m: gone",
        "balance: gone",
        "alert 22:13:20Z: gone",
        "ledger: gone",
    }


def test_without_a_terminal_it_prints_changes_and_ctrl_c_is_no_failure(
    tidegate: Run, looks: Callable[..., None]
) -> None:
    looks(status(), Misconfigured("away"), GatewaySaid("no"), status())
    shown = tidegate("status", "--watch", "--interval", "0.5")
    assert (shown.code, shown.err) == (0, "")
    assert [line.split(" ", 1)[1] for line in shown.out.splitlines()] == [
        "gateway: up, version 0.1.0",
        "backend home: up",
        "backend cloud: unknown",
        "gateway: away",
        "gateway: up, version 0.1.0",
    ]


def test_json_is_one_document_per_look(tidegate: Run, looks: Callable[..., None]) -> None:
    looks(status(), Misconfigured("away"), status("down"))
    shown = tidegate("status", "--watch", "--json")
    first, away, last = map(json.loads, shown.out.splitlines())
    assert (first, last) == (status(), status("down"))
    assert away == {"error": "the gateway does not answer"}


def test_a_gateway_that_is_not_there_at_the_start_is_an_error(tidegate: Run, looks: Callable[..., None]) -> None:
    looks(Misconfigured("no gateway answers"))
    shown = tidegate("status", "--watch")
    assert (shown.code, shown.out) == (2, "")


def test_on_a_terminal_it_draws(monkeypatch: pytest.MonkeyPatch, looks: Callable[..., None]) -> None:
    looks(status(), Misconfigured("away"), status("down"))
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", said)
    live.watch("http://127.0.0.1:1", 1.0, as_json=False)
    for words in ("Tidegate 0.1.0 at http://127.0.0.1:1", "home", "the gateway does not answer", "down"):
        assert words in said.getvalue()


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([None, None], "  "),
        ([0.0, 0.0], "▁▁"),
        ([0.05, None, 0.8], "▁ █"),
        ([1.0, 2.0, 3.0, 4.0], "▃▅▇█"),
        ([1.0] * 40, "█" * 24),
    ],
)
def test_a_sparkline_has_one_character_for_each_value(values: list[float | None], drawn: str) -> None:
    assert spark(values) == drawn


def test_a_balance_in_words() -> None:
    assert balance_words(BALANCE) == "1.50 USD, below 2"
    nothing = {"amounts": {}, "low": False, "low_balance": 2.0, "error": "BackendTimedOut"}
    assert balance_words(nothing) == "not known yet (BackendTimedOut)"


def test_status_alone_has_a_line_for_the_balance(tidegate: Run, gateway: Any) -> None:
    gateway.says("/-/status", json.dumps(status(balance=BALANCE)).encode())
    shown = tidegate("status", "--url", gateway.url)
    assert "balance: 1.50 USD, below 2\n" in shown.out


def test_no_name_is_markup() -> None:
    from tidegate.cli.picture import picture

    said = io.StringIO()
    odd = {**HOME, "name": "[bold]x[/]"}
    Console(file=said, width=160).print(picture("http://h", {**STATUS, "backends": [odd]}))
    assert "[bold]x[/]" in said.getvalue()
