"""The command: it lists what there is without loading it, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from tidegate import __version__
from tidegate.cli import main as main_module
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.main import COMMANDS
from tidegate.core.errors import ClientMistake, Misconfigured

Run = Callable[..., Any]


def test_help_lists_every_command_with_its_line(tidegate: Run) -> None:
    shown = tidegate("--help")
    assert (shown.code, shown.err) == (0, "")
    for name, line in COMMANDS.items():
        assert name in shown.out
        assert line.split(",")[0] in " ".join(shown.out.split())


def test_help_imports_no_command_and_no_heavy_library() -> None:
    program = (
        "import sys\nsys.argv = ['tidegate', '--help']\nfrom tidegate.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print('LOADED', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.partition("LOADED ")[2].split())
    assert "tidegate.cli.main" in loaded
    assert not loaded & {f"tidegate.cli.{name}" for name in COMMANDS}
    assert not loaded & {"uvicorn", "uvloop", "xllamacpp", "sqlite3", "asyncio", "httptools", "tidegate.app"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_says_the_same_of_itself(tidegate: Run, name: str) -> None:
    assert import_module(f"tidegate.cli.{name}").app
    shown = tidegate(name, "--help")
    assert shown.code == 0
    assert COMMANDS[name] in " ".join(shown.out.split())


def test_without_a_command_it_shows_the_help(tidegate: Run) -> None:
    shown = tidegate()
    assert "up" in shown.out + shown.err
    assert "Usage" in shown.out + shown.err


def test_the_version_is_printed(tidegate: Run) -> None:
    shown = tidegate("--version")
    assert (shown.code, shown.out, shown.err) == (0, f"tidegate {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("--nonsense",), ("status", "--nonsense"), ("ask",), ("up", "--port", "x")]
)
def test_wrong_use_is_exit_code_2_without_a_traceback(tidegate: Run, arguments: tuple[str, ...]) -> None:
    shown = tidegate(*arguments)
    assert shown.code == 2
    assert shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("error", "code"), [(Misconfigured("fix it"), 2), (ClientMistake("fix it"), 2), (GatewaySaid("fix it"), 1)]
)
def test_what_went_wrong_is_one_line_and_an_exit_code(
    tidegate: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    failing = typer.Typer()

    @failing.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(main_module, "import_module", lambda _name: SimpleNamespace(app=failing))
    shown = tidegate("status")
    assert (shown.code, shown.out, shown.err) == (code, "", "tidegate: fix it\n")
