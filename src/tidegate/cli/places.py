"""Where files lie by default, after the XDG base directory specification, and which configuration file is meant."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_NAME = "tidegate.toml"


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
