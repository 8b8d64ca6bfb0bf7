"""`tidegate prove --canary`: the run, how far it is, and what it found as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import typer

from tidegate.app.canary import prove_canary
from tidegate.app.canary_report import Report
from tidegate.app.detection import slow_look_of
from tidegate.catalog.example_model import example_model
from tidegate.cli.places import cache_folder, config_path
from tidegate.config import Config, read_config
from tidegate.core.errors import Misconfigured
from tidegate.privacy.slow.slow_look import SlowLook

LIMITS = (
    "This shows what this version does with this configuration on this machine, with backends of its own in the place of\n"
    "yours. It says nothing of programs that do not go through Tidegate."
)


def show_canary(config: Path | None, *, as_json: bool) -> None:
    """Exit code 1 when something arrived."""
    options = read_config(config_path(config))
    with _progress() as told:
        report = prove_canary(options, told, slow=_slow(options))
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)
    if not report.clean:
        raise typer.Exit(1)


def _slow(options: Config) -> SlowLook | None:
    """The sentence model is not fetched for this: nothing leaves this machine, and no question for a file does."""
    if options.privacy.examples and not all((cache_folder() / one.file_name).exists() for one in example_model()):
        raise Misconfigured(
            "[[privacy.examples]]: the sentence model is not here yet, and --canary fetches nothing; run "
            "`tidegate policy calibrate` first"
        )
    return slow_look_of(options.privacy, cache_folder(), lambda line: print(line, file=sys.stderr))


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # The stream as it is now: while the run lasts, what is printed is caught and looked through.
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("sending fake secrets")
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _print(report: Report) -> None:
    from tidegate.cli.prove import print_table

    tried = [line for line in report.lines.values() if not line.note]
    headings = ["path", "requests", "planted", "reached a sink", "masked", "arrived"]
    rows = [
        [line.path, *(str(one) for one in (line.requests, line.planted, line.reached, line.masked, line.arrived))]
        for line in tried
    ]
    print_table(headings, rows)
    print()
    for line in report.lines.values():
        if line.note:
            print(f"not tried  {line.path}: {line.note}")
    for note in report.notes:
        print(f"note       {note}")
    if report.quoted:
        print(
            f"note       {report.quoted} errors repeat a wrong model name or role to its sender, in the hosted API's words"
        )
    for (row, kind, backend), times in sorted(report.allowed.items()):
        print(f"allowed    by {row}: {kind} to {backend}, {times} times")
    for one, times in report.arrivals.most_common():
        print(f"ARRIVED    {one.kind} ({one.code}) at {one.where}, path {one.path}, {times} times")
    for what, times in report.faults.most_common():
        print(f"FAULT      {what}, {times} times")
    print()
    print(_verdict(report))
    print(LIMITS)


def _verdict(report: Report) -> str:
    sinks = f"sinks for {', '.join(report.sinks)}" if report.sinks else "no sink"
    tried = f"{report.planted} values in {report.requests} requests, {sinks}, {report.seconds:.1f} s"
    if report.arrivals:
        return f"{report.arrivals.total()} PLANTED VALUES ARRIVED where they must not: {tried}."
    if report.faults:
        return f"No planted value arrived, BUT NOT ALL WAS AS IT SHOULD BE: {tried}."
    return f"No planted value arrived: {tried}."
