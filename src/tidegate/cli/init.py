"""`tidegate init`: a configuration to begin with, from a preset, written with its comments once it can be enforced."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import get_args

import typer

from tidegate.app import App
from tidegate.app.enforce import HOSTED_KEY
from tidegate.catalog.presets.preset import PRESETS, Local, preset_text, summary
from tidegate.cli.http import DEFAULT_URL
from tidegate.cli.places import CONFIG_NAME, own_command, state_folder
from tidegate.config import Config, Kind, parse_config
from tidegate.core.errors import Misconfigured

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LOCAL_KINDS = tuple(kind for kind in get_args(Kind) if kind not in ("deepseek", "fake"))


@app.command()
def init(
    preset: str = typer.Option("", help=f"One of {', '.join(PRESETS)}; none: choose from the list."),
    output: Path = typer.Option(Path(CONFIG_NAME), help="File to write."),
    hosted_url: str = typer.Option("", help="Where the hosted API is, if not at DeepSeek's address."),
    local_url: str = typer.Option("", help="URL of a runtime of your own; default: the embedded demo model."),
    local_kind: str = typer.Option("", help=f"Its kind: {', '.join(LOCAL_KINDS)}."),
    stays_home: bool = typer.Option(False, help="Your word that requests stay there, for kinds that cannot show it."),
    force: bool = typer.Option(False, help="Overwrite the file."),
    list_only: bool = typer.Option(False, "--list", help="Only list the presets."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Write a configuration from a preset, with comments that explain each choice."""
    asks = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    if list_only or not (preset or asks):
        print_list(as_json)
        return
    if not preset:
        print_list(as_json=False)
        preset = typer.prompt("Which one")
    if preset not in PRESETS:
        raise Misconfigured(f"--preset: expected one of {', '.join(PRESETS)}, not {preset!r}")
    text = preset_text(preset, hosted_url, local_runtime(local_url, local_kind, stays_home))
    config = parse_config(tomllib.loads(text))
    if hosted_url and all(one.kind != "deepseek" for one in config.backends.values()):
        raise Misconfigured(f"--hosted-url: the preset {preset} asks no hosted API; leave the option out")
    App(config, with_missing_keys(config), state_folder(), None)  # refuse what cannot be enforced before it is written
    write(output, text, force=force)
    after = next_commands(config, output)
    if as_json:
        print(json.dumps({"ok": True, "preset": preset, "config": str(output), "next": after}, indent=2))
    else:
        print(f"{output}: {preset}, {summary(preset)}\nNext:")
        print("\n".join(f"  {command}" for command in after))


def print_list(as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"preset": name, "summary": summary(name)} for name in PRESETS], indent=2))
        return
    print("\n".join(f"{name:<14} {summary(name)}" for name in PRESETS))


def local_runtime(url: str, kind: str, stays_home: bool) -> Local | None:
    if not url:
        if kind or stays_home:
            raise Misconfigured(f"{'--local-kind' if kind else '--stays-home'} needs --local-url")
        return None
    if kind not in LOCAL_KINDS:
        raise Misconfigured(f"--local-kind: expected one of {', '.join(LOCAL_KINDS)}, not {kind!r}")
    return Local(kind, url, stays_home)


def with_missing_keys(config: Config) -> dict[str, str]:
    """The environment as if every key were set: whether a configuration can be enforced does not hang on it."""
    hosted = [HOSTED_KEY for one in config.backends.values() if one.kind == "deepseek" and one.key_env is None]
    return dict.fromkeys(hosted, "not-set-yet") | {name: value for name, value in os.environ.items() if value}


def write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misconfigured(f"{path} exists; name another file with --output, or overwrite it with --force") from None
    except OSError as error:
        raise Misconfigured(f"--output {path} cannot be written: {error.strerror}") from None


def next_commands(config: Config, path: Path) -> list[str]:
    command = own_command()
    needs_key = any(one.kind == "deepseek" for one in config.backends.values()) and not os.environ.get(HOSTED_KEY)
    up = f"{command} up" if path == Path(CONFIG_NAME) else f"{command} up --config {path}"
    key = [f"export {HOSTED_KEY}=sk-...   # your key for the hosted API"] if needs_key else []
    return [*key, up, f"{command} ask 'Hello' --model deepseek-flash   # base_url for your app: {DEFAULT_URL}"]
