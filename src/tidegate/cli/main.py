"""The `tidegate` command. Lists its commands without importing them; each is one file, imported when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from tidegate import __version__
from tidegate.cli.failure import GatewaySaid
from tidegate.core.errors import GatewayError

COMMANDS = {
    "up": "Start the gateway, with the embedded demo model unless told otherwise.",
    "ask": "Send one prompt to a running gateway and show the answer and its decision.",
    "status": "Show the backends, classes and ledger of a running gateway.",
    "explain": "Say what a rule code means, what happened to one exchange, or what the contract says at a date.",
    "prove": "Show what left this machine, and check that nobody changed the ledger.",
    "replay": "Say what another configuration would have decided for past exchanges.",
    "keys": "Create, list and revoke the keys of clients, with limits and budgets.",
    "init": "Write a configuration from a preset, with comments that explain each choice.",
    "scan": "Look for personal data and secrets in files or standard input.",
    "sim": "Simulate the hosted DeepSeek API, with faults on demand.",
    "config": "Check or show the configuration.",
    "policy": "Find the similarity from which a text is like your samples.",
}


class LazyGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"tidegate.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


root = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tidegate {__version__}")
        raise typer.Exit


@root.callback()
def tidegate(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """One DeepSeek-compatible endpoint in front of the hosted API and every local runtime. Private data stays home."""


def main() -> None:
    """Run the command. A failure is one line on standard error: exit code 2 for wrong use, 1 for bad news."""
    try:
        typer.main.get_command(root)()
    except GatewayError as error:
        print(f"tidegate: {error.message}", file=sys.stderr)
        raise SystemExit(2) from None
    except GatewaySaid as error:
        print(f"tidegate: {error.message}", file=sys.stderr)
        raise SystemExit(1) from None
