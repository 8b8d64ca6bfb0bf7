"""`tidegate scan`: what detection finds in files and standard input, for people, pre-commit and CI. Never a value.

Reads files and prints places; what is looked for stands in `privacy`.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from tidegate.cli.config import FILE_HELP
from tidegate.cli.files import Unread, files_under, read_text
from tidegate.cli.places import config_path
from tidegate.config import read_config
from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Finding
from tidegate.privacy.patterns.scanner import Scanner, Terms
from tidegate.privacy.rules import GROUPS, SENSITIVE

app = typer.Typer(add_completion=False, rich_markup_mode=None)
STANDARD_INPUT = "-"
_MANY = 50
_CHOICE_HELP = "A rule (SEN001), a group (personal, secret, term) or term:NAME; may be given again."


@dataclass(frozen=True, slots=True)
class Place:
    """One find, as it is printed; lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    title: str
    group: str
    label: str
    checksum: str


@app.command()
def scan(
    paths: list[str] | None = typer.Argument(
        None, metavar="[FILE ...|-]", help="Files, folders, or - for standard input."
    ),
    config: Path | None = typer.Option(None, "--config", help=FILE_HELP + " Its [[privacy.terms]] are looked for too."),
    only: list[str] = typer.Option([], "--only", metavar="RULE", help=f"Report nothing else. {_CHOICE_HELP}"),
    ignore: list[str] = typer.Option([], "--ignore", metavar="RULE", help=f"Report all but this. {_CHOICE_HELP}"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Look for personal data and secrets in files or standard input.

    Exit code 0: nothing found, 1: something found, 2: wrong use.
    """
    terms = _terms(config)
    wanted = _chooser(only, ignore, terms)
    scanner = Scanner(terms)
    places: list[Place] = []
    skipped: list[Unread] = []
    looked = 0
    for name in _shown(list(files_under(_given(paths)))):
        text = read_text(name)
        if isinstance(text, Unread):
            skipped.append(text)
            continue
        looked += 1
        places += located(name, text, [found for found in scanner.scan(text) if wanted(found)])
    if as_json:
        found = [asdict(place) for place in places]
        print(json.dumps({"findings": found, "files": looked, "skipped": [asdict(one) for one in skipped]}, indent=2))
    elif places:
        _print_table(places)
    print(_summary(places, looked, skipped), file=sys.stderr, flush=True)
    raise typer.Exit(1 if places else 0)


def _given(paths: list[str] | None) -> list[str]:
    if paths:
        return paths
    if sys.stdin is None or sys.stdin.isatty():
        raise Misconfigured("name files or folders to scan, or `-` for standard input")
    return [STANDARD_INPUT]


def _terms(config: Path | None) -> list[Terms]:
    path = config_path(config)
    if path is None:
        return []
    return [Terms(one.name, one.terms, one.patterns) for one in read_config(path).privacy.terms]


def _chooser(only: Sequence[str], ignore: Sequence[str], terms: Sequence[Terms]) -> Callable[[Finding], bool]:
    known = [rule.code for rule in SENSITIVE] + sorted(set(GROUPS.values())) + [f"term:{one.name}" for one in terms]
    for option, choices in (("--only", only), ("--ignore", ignore)):
        for choice in choices:
            if choice not in known:
                near = difflib.get_close_matches(choice, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "`tidegate explain` lists the rules"
                raise Misconfigured(f"{option} {choice}: no such rule, group or term; {hint}")

    def wanted(found: Finding) -> bool:
        names = {found.code, found.group, found.tag}
        return (not only or not names.isdisjoint(only)) and names.isdisjoint(ignore)

    return wanted


def located(name: str, text: str, findings: Iterable[Finding]) -> Iterator[Place]:
    """Findings with their lines and columns; they come in order."""
    line, begins, at = 1, 0, 0

    def to(place: int) -> tuple[int, int]:
        nonlocal line, begins, at
        line += text.count("\n", at, place)
        begins = max(begins, text.rfind("\n", at, place) + 1)
        at = place
        return line, place - begins + 1

    for found in findings:
        rule = SENSITIVE.find(found.code)
        title = rule.title if rule else ""
        yield Place(name, *to(found.start), *to(found.end), found.code, title, found.group, found.label, found.checksum)


def _shown(files: list[str]) -> Iterable[str]:
    """A bar for many files, on a terminal only."""
    if len(files) < _MANY or not sys.stderr.isatty():
        return files
    from rich.console import Console
    from rich.progress import track

    return track(files, "scanning", console=Console(stderr=True), transient=True)


def _print_table(places: list[Place]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("place", "rule", "what", "group", "checksum"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("rule", "checksum"))
    for place in places:
        group = f"{place.group}:{place.label}" if place.label else place.group
        cells = (f"{place.file}:{place.line}:{place.column}", place.code, place.title, group, place.checksum)
        # Text: no name is markup.
        table.add_row(*map(Text, cells))
    # In a pipe the lines are for other programs, which fold them themselves.
    wide = max(100, *(len(place.file) + 90 for place in places))
    console = Console(width=None if sys.stdout.isatty() else wide)
    with console.capture() as drawn:
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()), flush=True)


def _summary(places: list[Place], looked: int, skipped: list[Unread]) -> str:
    groups = Counter(place.group for place in places)
    found = ", ".join(f"{count} {group}" for group, count in sorted(groups.items())) or "nothing"
    binary = f"; {len(skipped)} not text, not looked into" if skipped else ""
    return f"found {found} in {looked} {'file' if looked == 1 else 'files'}{binary}"
