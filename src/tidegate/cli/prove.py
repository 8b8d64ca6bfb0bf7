"""`tidegate prove`: what left this machine and by which rule, and whether the ledger that says so was changed."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import typer

from tidegate.app import ledger_path
from tidegate.cli.config import FILE_HELP
from tidegate.cli.places import config_path, state_folder
from tidegate.config import read_config
from tidegate.core.errors import Misconfigured
from tidegate.ledger.proof import CLASS_NAMES, UNCLASSED, Proof, newest_seal, prove

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DAY_S = 24 * 3600.0
DAYS_HELP = "Only exchanges of the last N days; default: all."
_SEAL = re.compile(r"[0-9a-f]{64}")
LIMITS = (
    "A whole chain shows that nobody changed the ledger without the key in the .salt file beside it. Whoever can read that\n"
    "file can write another ledger: note the head elsewhere now and then, and check it with --expect."
)


@app.command("prove")
def show_proof(
    days: float = typer.Option(0.0, min=0, help=DAYS_HELP),
    data_class: str = typer.Option("", "--class", help="List what left of this class; default: private and internal."),
    config: Path | None = typer.Option(None, help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
    head: bool = typer.Option(
        False, "--head", help="Print only the newest seal, to be noted elsewhere; checks no rows."
    ),
    expect: str = typer.Option("", help="A seal noted earlier: make sure that it is still part of the chain."),
    canary: bool = typer.Option(
        False, "--canary", help="Send fake secrets through every path to stand-ins, and show that none arrives."
    ),
) -> None:
    """Show what left this machine, and check that nobody changed the ledger.

    Exit code 1 when the chain is broken, a private exchange left unmasked, or a canary arrived.
    """
    if canary:
        if days or data_class or head or expect:
            raise Misconfigured("--canary reads no ledger: leave out --days, --class, --head and --expect")
        from tidegate.cli.canary import show_canary

        show_canary(config, as_json=as_json)
        return
    path = ledger_path(read_config(config_path(config)), state_folder())
    if head:
        _print_head(path, as_json)
        return
    classes = (_class_named(data_class),) if data_class else ("private", "internal")
    expected = _seal_of(expect) if expect else None
    since = time.time() - days * DAY_S if days else None
    with progress() as told:
        proof = prove(path, since=since, classes=classes, expected=expected, told=told)
    if as_json:
        print(json.dumps(_as_json(proof), indent=2))
    else:
        _print_proof(proof, classes, noted=expected is not None)
    if not proof.whole or proof.private_left:
        raise typer.Exit(1)


def _class_named(word: str) -> str:
    if word not in CLASS_NAMES or word == UNCLASSED:
        raise Misconfigured(f"--class {word!r} is not one of public, internal, private")
    return word


def _seal_of(word: str) -> bytes:
    if not _SEAL.fullmatch(word.lower()):
        raise Misconfigured("--expect: a seal has 64 hexadecimal digits, as `tidegate prove --head` prints them")
    return bytes.fromhex(word)


def _print_head(path: Path, as_json: bool) -> None:
    newest = newest_seal(path)
    if newest is None:
        print("tidegate: LED006 the chain's head is not as it was written", file=sys.stderr)
        raise typer.Exit(1)
    seq, seal = newest
    print(json.dumps({"seq": seq, "head": seal.hex()}) if as_json else seal.hex())


@contextmanager
def progress() -> Generator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the ledger")
        yield lambda done, of: bar.update(task, completed=done, total=max(of, done))


def _as_json(proof: Proof) -> dict[str, Any]:
    return {
        "ok": proof.whole and not proof.private_left,
        "chain": {
            "whole": proof.whole,
            "rows": proof.rows,
            "seq": proof.head_seq,
            "head": proof.head.hex() if proof.head else None,
            "faults": [asdict(fault) for fault in proof.faults],
            "fault_count": proof.fault_count,
        },
        "classes": {name: asdict(tally) for name, tally in proof.tallies.items()},
        "left": [msgspec.to_builtins(departure) for departure in proof.departures],
        "left_count": proof.departed,
        "rows_of_version_1": proof.before_version_2,
    }


def _print_proof(proof: Proof, classes: tuple[str, ...], *, noted: bool) -> None:
    _print_tallies(proof)
    if proof.before_version_2:
        print(
            f"{proof.before_version_2} exchanges are from before version 2 of the ledger: it said where the answer came from, "
            "not who was asked before."
        )
    print()
    _print_departures(proof, classes)
    print()
    _print_chain(proof, noted=noted)
    print(LIMITS)


def _print_tallies(proof: Proof) -> None:
    headings = ["class", "exchanges", "device", "private net", "left", "left masked", "not sent"]
    stopped = any(tally.stopped for tally in proof.tallies.values())
    rows = [
        [name, *(str(one) for one in (t.exchanges, t.device, t.private, t.left, t.left_masked, t.not_sent))]
        + ([str(t.stopped)] if stopped else [])
        for name, t in proof.tallies.items()
        if t.exchanges or name != UNCLASSED
    ]
    print_table([*headings, "stopped"] if stopped else headings, rows)


def _print_departures(proof: Proof, classes: tuple[str, ...]) -> None:
    word = " or ".join(classes)
    if not proof.departed:
        print(f"Nothing {word} left.")
        return
    print(f"{proof.departed} {word} left:")
    for one in proof.departures:
        at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(one.arrived_at))
        masked = "masked" if one.masked else "not masked"
        print(_plain(f"  {one.exchange_id}  {at}  {one.data_class} to {','.join(one.backends)}, {masked}"))
        rows = f", policy rows {','.join(one.policy_rows)}" if one.policy_rows else ""
        print(_plain(f"    by {','.join(one.rules)}{rows}"))
    if (more := proof.departed - len(proof.departures)) > 0:
        print(f"and {more} more; --days or --class shows fewer at a time")


def _print_chain(proof: Proof, *, noted: bool) -> None:
    if proof.whole:
        print(f"The chain is whole: {proof.rows} rows" + (", and the noted head is part of it." if noted else "."))
    else:
        print(f"THE CHAIN IS BROKEN: {proof.fault_count} faults in {proof.rows} rows.")
        for fault in proof.faults:
            print(f"  {fault.code}  {fault.where}: {fault.title}")
        if (more := proof.fault_count - len(proof.faults)) > 0:
            print(f"  and {more} more")
    if proof.head is not None:
        print(f"head: {proof.head.hex()}")


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "for example")
    for row in rows:
        table.add_row(*(Text(_plain(cell)) for cell in row))  # Text: no name is markup
    Console(highlight=False).print(table)


def _plain(text: str) -> str:
    """What somebody wrote into a ledger must not steer the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)
