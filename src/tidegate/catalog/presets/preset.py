"""Reads a preset and fits it to addresses: its text with comments, as `tidegate init` writes it. Checks nothing.

Each preset names the hosted API and holds the lines for a runtime of one's own as comments; fitting only uncomments and
renames, so that what is written stays as short and as readable as the preset.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

PRESETS = (
    "prototype",
    "production",
    "private-first",
    "offline-first",
    "features",
    "local-only",
    "learning",
    "balanced",
)
HOSTED_LINE = '# base_url = "https://api.deepseek.com"\n'
LOCAL_LINES = '# [backends.home]\n# kind = "llamacpp"\n# base_url = "http://127.0.0.1:8080"\n'
_EMBEDDED_TARGET = '"embedded"'
_EMBEDDED_ON = "[embedded]\nenabled = true\n"


@dataclass(frozen=True, slots=True)
class Local:
    """A runtime that takes the demo model's place. `word`: it stays at home by the operator's word only."""

    kind: str
    base_url: str
    word: bool = False


def preset_text(name: str, hosted_url: str = "", local: Local | None = None) -> str:
    text = resources.files("tidegate.catalog.presets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    if hosted_url:
        text = text.replace(HOSTED_LINE, f"base_url = {_quoted(hosted_url)}\n")
    if local is not None:
        lines = ["[backends.home]", f"kind = {_quoted(local.kind)}", f"base_url = {_quoted(local.base_url)}"]
        if local.word:
            lines.append(
                "stays_home = true   # your word that requests stay there: a server of this kind cannot show it"
            )
        text = text.replace(LOCAL_LINES, "\n".join(lines) + "\n").replace(_EMBEDDED_TARGET, '"home"')
        text = text.replace(
            _EMBEDDED_ON, "# The demo model is not needed beside a runtime of your own.\n[embedded]\nenabled = false\n"
        )
    return text


def summary(name: str) -> str:
    """One line of what it is for."""
    return preset_text(name).splitlines()[0].partition(": ")[2]


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's too."""
    return json.dumps(text)
