"""`prove --canary`: known fake secrets through every path of the operator's own configuration, and where they arrived.

Backends are stand-ins on loopback, keys are made up and the state folder is a temporary one: nothing leaves this machine,
and no real backend, key or file of state is touched. Log records, all that is printed and all files are looked through.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from tidegate.app import App
from tidegate.app.canary_config import ALERTS, made_up_keys, with_hosted
from tidegate.app.canary_plan import EACH, MASKED, SHADOW
from tidegate.app.canary_report import Report
from tidegate.app.canary_run import CanaryRun, Told, code_of
from tidegate.app.canary_search import Search
from tidegate.app.canary_values import kinds_of
from tidegate.app.capture import content_folder
from tidegate.config import Config
from tidegate.privacy.slow.slow_look import SlowLook

LOGS, PRINTED, LEDGER, CAPTURE, FILES = (
    "log records",
    "printed text",
    "ledger",
    "captured content",
    "other files of state",
)


def prove_canary(config: Config, told: Told, *, hosted: bool = True, slow: SlowLook | None = None) -> Report:
    """`hosted`: the hosted API is part of it where its key alone would add it. A configuration that cannot be enforced is
    a `Misconfigured`, as when serving. `slow` are the slow tiers, where `config.privacy` asks for them."""
    began = time.monotonic()
    config = with_hosted(config, hosted=hosted)
    keys = made_up_keys(config)
    with tempfile.TemporaryDirectory(prefix="tidegate-canary-") as name:
        folder = Path(name)
        App(config, keys, folder, None, slow).close_connections()
        state = folder / "state"
        state.mkdir()
        run = CanaryRun(config, keys, kinds_of(config), told)
        with _recorded() as (printed, logged):
            asyncio.run(run.run(state, slow))
        report, search = run.report, run.search
        for path, data in ((LOGS, "\n".join(logged)), (PRINTED, printed.getvalue())):
            report.line(path).requests = len(data.splitlines())
            _look(report, search, path, path, data.encode("utf-8", "replace"))
        _look_at_files(report, search, state, content_folder(config, state))
    _note(report, config)
    report.seconds = time.monotonic() - began
    return report


class _Records(logging.Handler):
    """Every record as a careful format would write it, and what its call was given."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@contextmanager
def _recorded() -> Generator[tuple[io.StringIO, list[str]]]:
    """While it lasts all log records of any level and all that is printed go here."""
    handler, root, printed = _Records(), logging.getLogger(), io.StringIO()
    level, others = root.level, list(root.handlers)
    root.handlers = [handler]
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield printed, handler.lines
    finally:
        root.setLevel(level)
        root.handlers = others


def _look(report: Report, search: Search, path: str, where: str, data: bytes) -> None:
    for one in search.found(data):
        report.arrive(path, where, code_of(one), one.kind.name)


def _look_at_files(report: Report, search: Search, state: Path, content: Path) -> None:
    for file in sorted(state.rglob("*")):
        if file.is_file():
            kept = file.is_relative_to(content)
            path = CAPTURE if kept else LEDGER if file.name.startswith("ledger.sqlite3") else FILES
            report.line(path).requests += 1
            _look(report, search, path, file.name, file.read_bytes())
            _look(report, search, path, "a file's name", file.name.encode())


def _note(report: Report, config: Config) -> None:
    """What was not there to be tried is said, so that nobody takes silence for a proof."""
    if not config.alerts:
        report.line(ALERTS).note = "not configured: there are no [[alerts]]"
    if not config.shadow.to:
        report.line(SHADOW).note = "not configured: [shadow] to is empty"
    if not any(alias.answers == "each" for alias in config.aliases.values()):
        report.line(EACH).note = "not configured: no alias has answers = each"
    if not any(row.action == "mask" for row in config.policy):
        report.line(MASKED).note = "not configured: no [[policy]] row masks"
    if config.capture.key_env is None:
        report.line(CAPTURE).note = "not configured: [capture] key_env is not set"
    if not config.privacy.detect:
        report.notes.append("[privacy] detect is off: found values are kept at home by their class only")
    patterns = sum(len(one.patterns) for one in config.privacy.terms)
    if patterns:
        report.notes.append(
            f"{patterns} patterns of [[privacy.terms]] were not planted: nobody can guess what they match"
        )
    if config.privacy.names or config.privacy.examples:
        report.notes.append("names and examples took part in detection, but none were planted")
    if not report.sinks:
        report.notes.append("no backend is external, so nothing could leave: this shows only that nothing is kept")
    elif not any(line.reached for line in report.lines.values()):
        report.notes.append("this policy let no request at all reach an external backend")
