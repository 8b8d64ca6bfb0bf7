"""The picture that `tidegate status --watch` draws: backends with their history, balance, spend and alerts. Rich only."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.cli.live import balance_words, clock, spark
from tidegate.cli.status import slots_cell

Status = dict[str, Any]
_COLOURS = {"up": "green", "starting": "yellow", "down": "red", "unknown": "dim", "open": "red", "half_open": "yellow"}
_HEADINGS = ("backend", "boundary", "health", "slots", "pace", "breaker", "first token", "failed", "")
_ALERTS = 5


def picture(url: str, status: Status) -> RenderableType:
    history = (status.get("history") or {}).get("backends") or {}
    breakers: dict[str, list[Status]] = {}
    for one in status.get("breakers") or ():
        breakers.setdefault(one["backend"], []).append(one)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=True)
    for backend in status["backends"]:
        past = history.get(backend["name"]) or {}
        table.add_row(*_cells(backend, past, breakers.get(backend["name"]) or []))
    draining = ", is being stopped" if status.get("draining") else ""
    head = Text(f"Tidegate {status['version']} at {url}{draining}   Ctrl-C ends", style="bold")
    return Group(head, table, *_below(status))


def _cells(backend: Status, past: Status, breakers: list[Status]) -> list[Text]:
    health = backend["health"]
    shut = next((one["state"] for one in breakers if one["state"] != "closed"), "")
    asked, failed = _total(past.get("asked")), _total(past.get("failed"))
    times = [value for value in past.get("first_frame_s") or () if value is not None]
    return [
        Text(backend["name"]),
        Text(backend["boundary"]),
        Text(health, style=_COLOURS.get(health, "")),
        Text(slots_cell(backend.get("slots") or {})),
        Text(_pace(backend)),
        Text(shut or "-", style=_COLOURS.get(shut, "")),
        Text(f"{times[-1]:.2f} s" if times else "-"),
        Text(f"{failed / asked:.0%} of {asked}" if asked else "-"),
        Text(spark(past.get("first_frame_s") or [])),
    ]


def _total(counts: list[int | None] | None) -> int:
    return sum(filter(None, counts or ()))


def _pace(backend: Status) -> str:
    """The limits that were learned, per model."""
    limits = [one.get("limit") for one in backend.get("pace") or ()]
    return "/".join(str(limit) for limit in limits if limit is not None) or "-"


def _below(status: Status) -> list[Text]:
    ledger = status["ledger"]
    lines = [
        Text(
            f"spent today {status.get('spent_today_usd', '0')} USD, ledger {ledger['written']} written, "
            f"{ledger['waiting']} waiting" + (f", {ledger['error']}" if ledger["error"] else "")
        )
    ]
    if balance := status.get("balance"):
        lines.insert(0, Text(f"balance {balance_words(balance)}", style="red" if balance["low"] else ""))
    last = (status.get("alerts") or {}).get("last") or []
    for one in last[-_ALERTS:]:
        told = ", ".join(f"{name} {value}" for name, value in one.items() if name not in ("at", "event"))
        lines.append(Text(f"{clock(one['at'])} {one['event']}: {told}", style="yellow"))
    return lines
