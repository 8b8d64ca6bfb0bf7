"""`tidegate init`: the presets in a list, a file that can be enforced, and never over one that is there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.catalog.presets.preset import PRESETS, preset_text, summary
from tidegate.cli.init import LOCAL_KINDS
from tidegate.config import read_config

Run = Callable[..., Any]
FILE = Path("tidegate.toml")


@pytest.mark.parametrize("words", [(), ("--list",), ("--list", "--preset", "balanced")])
def test_without_a_preset_they_are_listed(tidegate: Run, words: tuple[str, ...]) -> None:
    shown = tidegate("init", *words)
    assert shown.code == 0
    assert [line.split()[0] for line in shown.out.splitlines()] == list(PRESETS)
    assert not FILE.exists()
    listed = json.loads(tidegate("init", "--list", "--json").out)
    assert listed == [{"preset": name, "summary": summary(name)} for name in PRESETS]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_written_as_it_is_and_can_be_enforced(tidegate: Run, preset: str) -> None:
    shown = tidegate("init", "--preset", preset)
    assert (shown.code, shown.err) == (0, "")
    assert FILE.read_text() == preset_text(preset)
    assert ("export DEEPSEEK_API_KEY" in shown.out) is (preset != "local-only")
    assert " up\n" in shown.out
    assert tidegate("config", "check").code == (0 if preset == "local-only" else 2), "the key is not set yet"


@pytest.mark.parametrize("kind", LOCAL_KINDS)
@pytest.mark.parametrize("preset", ["local-only", "balanced"])
def test_every_kind_of_runtime_can_be_written(tidegate: Run, preset: str, kind: str) -> None:
    word = ("--stays-home",) if kind in ("lmstudio", "generic", "transformers_serve") else ()
    shown = tidegate("init", "--preset", preset, "--local-url", "http://127.0.0.1:9", "--local-kind", kind, *word)
    assert (shown.code, shown.err) == (0, "")
    assert read_config(FILE).backends["home"].kind == kind


def test_the_next_commands_fit_what_is_there(tidegate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary")
    said = tidegate("init", "--preset", "features", "--output", "other.toml", "--json")
    document = json.loads(said.out)
    assert (document["ok"], document["preset"], document["config"]) == (True, "features", "other.toml")
    assert not any("export" in command for command in document["next"])
    assert document["next"][0].endswith(" up --config other.toml")
    assert "canary" not in said.out + said.err + Path("other.toml").read_text()


def test_a_file_that_is_there_is_kept_unless_forced(tidegate: Run) -> None:
    FILE.write_text("mine")
    refused = tidegate("init", "--preset", "balanced")
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert FILE.read_text() == "mine"
    assert tidegate("init", "--preset", "balanced", "--force").code == 0
    assert FILE.read_text() == preset_text("balanced")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--preset", "nothing"), "--preset"),
        (("--preset", "balanced", "--local-kind", "vllm"), "--local-url"),
        (("--preset", "balanced", "--stays-home"), "--local-url"),
        (("--preset", "balanced", "--local-url", "http://127.0.0.1:1"), "--local-kind"),
        (("--preset", "balanced", "--local-url", "http://127.0.0.1:1", "--local-kind", "fake"), "--local-kind"),
        (("--preset", "balanced", "--hosted-url", "nowhere"), "base_url"),
        (("--preset", "local-only", "--hosted-url", "http://127.0.0.1:1"), "--hosted-url"),
        (("--preset", "local-only", "--local-url", "http://127.0.0.1:1", "--local-kind", "generic"), "stays_home"),
        (("--preset", "balanced", "--output", "no/such/folder.toml"), "--output"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_written(
    tidegate: Run, words: tuple[str, ...], named: str
) -> None:
    refused = tidegate("init", *words)
    assert (refused.code, named in refused.err) == (2, True), refused.err
    assert not FILE.exists()


def test_on_a_terminal_it_asks_which(tidegate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda _question: "learning")
    shown = tidegate("init")
    assert (shown.code, shown.err) == (0, "")
    assert FILE.read_text() == preset_text("learning")
