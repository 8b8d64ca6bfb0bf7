"""Where files lie by default, after the XDG base directory specification, and which configuration file is meant."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

CONFIG_NAME = "tidegate.toml"


def own_command() -> str:
    """How a person can call this command again: by name, or by the path it was called by (`make up` is not on PATH)."""
    if shutil.which("tidegate"):
        return "tidegate"
    called = Path(sys.argv[0])
    if called.name != "tidegate":
        return "python -m tidegate"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _folder(variable: str, fallback: str) -> Path:
    given = os.environ.get(variable, "")
    # The specification says that a relative path is to be ignored.
    return (Path(given) if given.startswith("/") else Path.home() / fallback) / "tidegate"


def cache_folder() -> Path:
    return _folder("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state")


def config_path(given: Path | None) -> Path | None:
    """The file that was named, else `tidegate.toml` here, else the user's; None when there is none."""
    if given is not None:
        return given
    for path in (Path(CONFIG_NAME), _folder("XDG_CONFIG_HOME", ".config") / CONFIG_NAME):
        if path.is_file():
            return path
    return None
