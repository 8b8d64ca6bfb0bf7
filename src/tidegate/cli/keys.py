"""`tidegate keys`: create, list and revoke the keys of clients, and see what they have spent."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from tidegate.app import ledger_path
from tidegate.app.keys import key_file_path
from tidegate.cli.config import FILE_HELP
from tidegate.cli.places import config_path, state_folder
from tidegate.config import Config, read_config
from tidegate.core.errors import Misconfigured
from tidegate.keys.file import KeyFile
from tidegate.keys.order import KeyRecord, order_from, view_of
from tidegate.ledger.spending import spent_this_month

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
_JSON_HELP = "Print one JSON document."


@app.callback()
def keys() -> None:
    """Create, list and revoke the keys of clients, with limits and budgets."""


@app.command()
def create(
    name: str = typer.Argument(help="Whose key it is; the ledger shows this name."),
    model: list[str] = typer.Option([], help="A model that it may ask for; repeat it for more. Default: all."),
    data_class: str = typer.Option("", "--class", help="Raises the class of all its requests: internal or private."),
    rate: int | None = typer.Option(None, help="Requests per minute."),
    concurrency: int | None = typer.Option(None, help="Requests at the same time."),
    budget_day: str = typer.Option("", help="What it may cost per UTC day, in USD."),
    budget_month: str = typer.Option("", help="What it may cost per UTC month, in USD."),
    when_spent: str = typer.Option("refuse", help="With a budget used up: refuse, or local."),
    weight: float = typer.Option(1.0, help="Its share where others wait too."),
    priority: str = typer.Option("normal", help="Who is served first of those that wait: high, normal or low."),
    expires_days: float | None = typer.Option(None, help="After so many days it does not work any more."),
    config: Path | None = typer.Option(None, help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help=_JSON_HELP),
) -> None:
    """Create a key and show it, this one time."""
    given: dict[str, Any] = {
        "name": name,
        "models": model,
        "class": data_class or None,
        "rate_per_minute": rate,
        "concurrency": concurrency,
        "budget_usd_per_day": budget_day or None,
        "budget_usd_per_month": budget_month or None,
        "when_spent": when_spent,
        "weight": weight,
        "priority": priority,
        "expires_in_days": expires_days,
    }
    options = read_config(config_path(config))
    if any(client.name == name for client in options.clients):
        raise Misconfigured(f"[[clients]] has a client {name} already; choose another name")
    now = time.time()
    key, record = _file().create(order_from(given), now)
    if as_json:
        print(json.dumps(view_of(record, now) | {"key": key}, indent=2))
        return
    print(key)
    print(
        f"This is the key of {name} ({record.key_id}). It is not kept and cannot be shown again. Where keys are, they are "
        "required: a request without one is refused.",
        file=sys.stderr,
    )


@app.command("list")
def show(
    config: Path | None = typer.Option(None, help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help=_JSON_HELP),
) -> None:
    """Show all keys with their terms, and what the ledger says each has spent."""
    now = time.time()
    spent = _spent(read_config(config_path(config)), now)
    records = _file().records()
    if as_json:
        shown = [view_of(one, now) | {"spent_usd": _plain(spent.get(one.key_id, {}))} for one in records]
        print(json.dumps({"keys": shown}, indent=2))
        return
    if not records:
        print("There are no keys; `tidegate keys create NAME` makes one.")
        return
    _print_table(records, spent, now)


@app.command()
def revoke(
    which: str = typer.Argument(help="Name or id of the key, as `tidegate keys list` shows them."),
    as_json: bool = typer.Option(False, "--json", help=_JSON_HELP),
) -> None:
    """Revoke a key: what it has under way ends, and nothing new begins."""
    now = time.time()
    record = _file().revoke(which, now)
    if as_json:
        print(json.dumps(view_of(record, now), indent=2))
    else:
        print(f"{record.key_id} ({record.name}) is revoked.")


def _file() -> KeyFile:
    return KeyFile(key_file_path(state_folder()))


def _spent(options: Config, now: float) -> dict[str, dict[str, Decimal]]:
    """Of this month."""
    return spent_this_month(ledger_path(options, state_folder()), now)


def _plain(spent: dict[str, Decimal]) -> dict[str, str]:
    return {period: f"{usd:f}" for period, usd in spent.items()}


def _print_table(records: list[KeyRecord], spent: dict[str, dict[str, Decimal]], now: float) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "name", "state", "models", "limits", "today", "this month"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("id", "state"))
    today = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    for one in records:
        terms, sums = one.terms, spent.get(one.key_id, {})
        cells = [one.key_id, one.name, one.state(now), ", ".join(terms.models) or "all", limits_of(one)]
        cells += [
            usd_cell(sums.get(today), terms.budget_usd_per_day),
            usd_cell(sums.get(today[:7]), terms.budget_usd_per_month),
        ]
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def limits_of(record: KeyRecord) -> str:
    """All that is not as without terms, but for budgets."""
    terms = record.terms
    told = [
        f"class {terms.data_class.value}" if terms.data_class else "",
        f"{terms.rate_per_minute} per minute" if terms.rate_per_minute else "",
        f"{terms.concurrency} at once" if terms.concurrency else "",
        "local when spent" if terms.when_spent == "local" else "",
        f"weight {terms.weight:g}" if terms.weight != 1 else "",
        f"priority {terms.priority}" if terms.priority != "normal" else "",
    ]
    return ", ".join(filter(None, told)) or "none"


def usd_cell(spent: Decimal | None, budget: Decimal | None) -> str:
    """`$0.0120 of $5`."""
    return f"${spent or Decimal(0):.4f}" + (f" of ${budget:f}" if budget is not None else "")
