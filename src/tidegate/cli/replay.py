"""`tidegate replay`: what another configuration would have decided for the exchanges in the ledger, without their content."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import typer

from tidegate.app import ledger_path
from tidegate.app.replaying import replaying
from tidegate.cli.config import FILE_HELP
from tidegate.cli.places import config_path, state_folder
from tidegate.cli.prove import DAY_S, DAYS_HELP, print_table, progress
from tidegate.config import read_config
from tidegate.ledger.compared import LEAVING, Change, Comparison
from tidegate.ledger.reading import count_entries, each_entry, seen_backends

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_TELL_EVERY = 1024
ASSUMED = (
    "Assumed: every backend of the new file is up and stands where the file says; requests that the ledger knows nothing of,\n"
    "and found runtimes that answered nothing yet, are not part of this."
)


@app.command()
def replay(
    policy: Path = typer.Option(..., "--policy", help="The configuration to try."),
    days: float = typer.Option(0.0, min=0, help=DAYS_HELP),
    config: Path | None = typer.Option(None, help=f"Where the ledger is. {FILE_HELP}"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Say what another configuration would have decided for past exchanges.

    Needs no content and sends nothing. Exit code 1 when something that stayed home or was refused would or could leave.
    """
    state = state_folder()
    path = ledger_path(read_config(config_path(config)), state)
    since = time.time() - days * DAY_S if days else None
    found = replaying(read_config(policy), os.environ, state, seen_backends(path))
    comparison = Comparison()
    with progress() as told:
        of = count_entries(path)
        for number, entry in enumerate(each_entry(path, since)):
            comparison.add(found.change(entry), entry.exchange_id)
            if not number % _TELL_EVERY:
                told(number, of)
    leaving = comparison.count(*LEAVING)
    if as_json:
        print(json.dumps(_as_json(comparison), indent=2))
    else:
        _print(comparison, leaving)
    if leaving:
        raise typer.Exit(1)


def _sorted(comparison: Comparison) -> list[tuple[Change, int]]:
    """What would leave first, then by how often."""
    return sorted(comparison.counts.items(), key=lambda one: (one[0].kind not in LEAVING, -one[1], one[0]))


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "ok": not comparison.count(*LEAVING),
        "exchanges": sum(comparison.counts.values()),
        "changes": [
            {**change._asdict(), "count": times, "examples": comparison.examples[change]}
            for change, times in _sorted(comparison)
        ],
    }


def _print(comparison: Comparison, leaving: int) -> None:
    if not comparison.counts:
        print("There are no exchanges to try it on.")
        return
    rows = [
        [change.kind, change.then, change.now, str(times), " ".join(comparison.examples[change][:1])]
        for change, times in _sorted(comparison)
    ]
    print_table(["", "then", "now", "exchanges", "for example"], rows)
    print()
    print(f"{leaving} EXCHANGES WOULD OR COULD LEAVE that did not." if leaving else "Nothing more would leave.")
    print(ASSUMED)
