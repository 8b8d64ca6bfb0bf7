"""`tidegate status --watch`: what a running gateway sees, again and again, until Ctrl-C. A restart in between is waited for.

On a terminal one picture that is drawn anew; otherwise a line for each change; with --json one document per look.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from tidegate.cli.failure import GatewaySaid
from tidegate.cli.http import get_json
from tidegate.core.errors import Misconfigured

SPARKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 24
_AWAY = "the gateway does not answer"
Status = dict[str, Any]


def watch(url: str, interval_s: float, *, as_json: bool) -> None:
    """Ctrl-C ends it, and that is no failure. Whoever is not there at the start is an error, as without --watch."""
    looks = _looks(url, interval_s)
    try:
        if as_json:
            for status in looks:
                print(json.dumps(status if status is not None else {"error": _AWAY}), flush=True)
        elif sys.stdout.isatty():
            _draw(url, looks)
        else:
            for line in changes(looks, lambda: datetime.now(UTC).strftime("%H:%M:%SZ")):
                print(line, flush=True)
    except KeyboardInterrupt:
        return


def _looks(url: str, interval_s: float) -> Iterator[Status | None]:
    """None: it does not answer now, but did before."""
    yield get_json(url, "/-/status")
    while True:
        time.sleep(interval_s)
        try:
            yield get_json(url, "/-/status")
        except (GatewaySaid, Misconfigured):
            yield None


def changes(looks: Iterator[Status | None], now: Callable[[], str]) -> Iterator[str]:
    """A line for each thing that is not as at the look before; at the first look one for each thing."""
    before: dict[str, str] = {}
    for status in looks:
        things = {"gateway": "away"} if status is None else things_of(status)
        if status is None:
            things = {**before, **things}
        for name, state in things.items():
            if before.get(name) != state:
                yield f"{now()} {name}: {state}"
        for name in before.keys() - things.keys():
            yield f"{now()} {name}: gone"
        before = things


def things_of(status: Status) -> dict[str, str]:
    """What can change and is worth a line, in a few words each. Counts of requests are not."""
    found = {"gateway": f"up, version {status['version']}"}
    for one in status["backends"]:
        found[f"backend {one['name']}"] = one["health"]
    for one in status.get("breakers") or ():
        found[f"breaker {one['backend']}/{one['model']}"] = one["state"]
    if balance := status.get("balance"):
        found["balance"] = balance_words(balance)
    for one in (status.get("alerts") or {}).get("last") or ():
        told = " ".join(f"{name}={value}" for name, value in one.items() if name not in ("at", "event"))
        found[f"alert {clock(one['at'])}"] = f"{one['event']} {told}"
    if error := status["ledger"]["error"]:
        found["ledger"] = error
    return found


def clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def balance_words(balance: Status) -> str:
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in balance["amounts"].items())
    said = amounts or "not known yet"
    if balance["low"]:
        said += f", below {balance['low_balance']:g}"
    return said + (f" ({balance['error']})" if balance["error"] else "")


def spark(values: list[float | None], width: int = SPARK_WIDTH) -> str:
    """The last values, one character each, from nothing to the largest; a blank where there is none."""
    shown = values[-width:]
    most = max((value for value in shown if value is not None), default=0.0)
    return "".join(" " if value is None else SPARKS[_step(value, most)] for value in shown)


def _step(value: float, most: float) -> int:
    return min(int(value / most * len(SPARKS)), len(SPARKS) - 1) if most > 0 else 0


def _draw(url: str, looks: Iterator[Status | None]) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from tidegate.cli.picture import picture

    last: Any = Text("")
    with Live(last, auto_refresh=False, screen=False) as live:
        for status in looks:
            if status is None:
                live.update(Group(last, Text(f"{_AWAY} at {url}; it is asked again", style="bold red")), refresh=True)
            else:
                last = picture(url, status)
                live.update(last, refresh=True)
