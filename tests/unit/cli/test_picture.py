"""The picture: each backend with health, slots, pace, breaker, times and failures, and below it balance, spend and alerts."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from tests.unit.cli.test_status import HOME, STATUS

from tidegate.cli.picture import picture


def drawn(**more: Any) -> list[str]:
    said = io.StringIO()
    Console(file=said, width=200).print(picture("http://h:1", {**STATUS, "backends": [HOME], **more}))
    return [line.rstrip() for line in said.getvalue().splitlines()]


def test_a_backend_of_which_nothing_is_known_yet() -> None:
    head, headings, home, below = drawn()
    assert head == "Tidegate 0.1.0 at http://h:1   Ctrl-C ends"
    assert headings.split()[:6] == ["backend", "boundary", "health", "slots", "pace", "breaker"]
    assert home.split() == ["home", "device", "up", "1/2", "-", "-", "-", "-"]
    assert below == "spent today 0 USD, ledger 12 written, 1 waiting"


def test_history_pace_and_breaker_of_a_backend() -> None:
    past = {"asked": [None, 8, 2], "failed": [None, 1, 0], "first_frame_s": [None, 0.5, 1.0]}
    busy = {**HOME, "pace": [{"model": "m", "limit": 4}, {"model": "n", "limit": None}]}
    breakers = [
        {"backend": "home", "model": "n", "state": "closed"},
        {"backend": "home", "model": "m", "state": "open"},
    ]
    home = drawn(backends=[busy], breakers=breakers, history={"backends": {"home": past}})[2]
    assert home.split() == ["home", "device", "up", "1/2", "4", "open", "1.00", "s", "10%", "of", "10", "▅█"]


def test_what_stands_below() -> None:
    balance = {"amounts": {"CNY": "1.50"}, "low": True, "low_balance": 2.0, "error": None}
    alerts = [{"at": 1_700_000_000.0 + number, "event": "backend_up", "backend": f"b{number}"} for number in range(9)]
    trouble = {"written": 0, "waiting": 5, "dropped": 3, "error": "disk full"}
    below = drawn(balance=balance, alerts={"last": alerts}, spent_today_usd="0.25", ledger=trouble)[3:]
    assert below[:2] == ["balance 1.50 CNY, below 2", "spent today 0.25 USD, ledger 0 written, 5 waiting, disk full"]
    assert below[2:] == [f"22:13:2{number}Z backend_up: backend b{number}" for number in range(4, 9)]


def test_that_it_is_being_stopped() -> None:
    assert "is being stopped" in drawn(draining=True)[0]
