"""`tidegate config check` and `show`: is the configuration sound and enforceable, and what is in force."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from tidegate.app import App
from tidegate.cli.places import config_path, state_folder
from tidegate.config import read_config
from tidegate.core.jsonvalue import as_list, as_object

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
FILE_HELP = "Configuration file; default: tidegate.toml here, then in the user's config folder."


@app.callback()
def config() -> None:
    """Check or show the configuration."""


@app.command()
def check(
    file: Path | None = typer.Option(None, "--config", help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Read the configuration and make sure that it can be enforced; exit code 2 and one line when not."""
    path = config_path(file)
    App(read_config(path), os.environ, state_folder(), None)
    where = str(path) if path else "defaults, no file"
    print(json.dumps({"ok": True, "config": where}) if as_json else f"ok: {where}")


@app.command()
def show(
    file: Path | None = typer.Option(None, "--config", help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Print every option in force and where it comes from. Keys are named by their variables, never shown."""
    path = config_path(file)
    effective = read_config(path)
    written = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    rows = list(_options(json.loads(msgspec.json.encode(effective)), written, ""))
    if as_json:
        print(
            json.dumps([{"option": name, "value": value, "origin": origin} for name, value, origin in rows], indent=2)
        )
        return
    print(f"# {path or 'no file: defaults'}")
    for name, value, origin in rows:
        print(f"{name} = {json.dumps(value)}   # {origin}")


def _options(value: Any, written: Any, place: str) -> Iterator[tuple[str, Any, str]]:
    """(option, value, origin) of every leaf; the origin of a key's variable says whether it is set."""
    if members := as_object(value):
        for name, inner in members.items():
            found = (as_object(written) or {}).get(name)
            yield from _options(inner, found, f"{place}.{name}" if place else name)
    elif (items := as_list(value)) and as_object(items[0]):
        origins = as_list(written) or [None] * len(items)
        for position, inner in enumerate(items):
            yield from _options(inner, origins[position], f"{place}[{position}]")
    else:
        origin = "file" if written is not None else "default"
        if place.endswith("key_env") and value:
            origin += ", set" if os.environ.get(value) else ", NOT SET"
        yield place, value, origin
