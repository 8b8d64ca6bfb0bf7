"""Checking and showing the configuration: what is in force, where it comes from, and never a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
WRITTEN = """
[server]
port = 5000

[backends.den]
kind = "llamacpp"
base_url = "http://127.0.0.1:8080"
models = ["a", "b"]
key_env = "DEN_KEY"

[aliases.notes]
targets = ["den"]
class = "private"

[[clients]]
name = "clinic"
key_env = "CLINIC_KEY"

[[clients]]
name = "office"
key_env = "OFFICE_KEY"
class = "internal"
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEN_KEY", "canary-den")
    monkeypatch.setenv("CLINIC_KEY", "canary-clinic")
    monkeypatch.delenv("OFFICE_KEY", raising=False)
    path = tmp_path / "tidegate.toml"
    path.write_text(WRITTEN)
    return path


def options(shown: Any) -> dict[str, tuple[Any, str]]:
    return {row["option"]: (row["value"], row["origin"]) for row in json.loads(shown.out)}


def test_defaults_are_sound(tidegate: Run) -> None:
    shown = tidegate("config", "check")
    assert (shown.code, shown.out, shown.err) == (0, "ok: defaults, no file\n", "")
    assert json.loads(tidegate("config", "check", "--json").out) == {"ok": True, "config": "defaults, no file"}


def test_a_sound_file_is_named(tidegate: Run, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_KEY", "canary-office")
    assert tidegate("config", "check", "--config", str(written)).out == f"ok: {written}\n"
    assert json.loads(tidegate("config", "check", "--json").out)["config"] == "tidegate.toml"


def test_a_key_that_is_not_set_is_found_by_check(tidegate: Run, written: Path) -> None:
    shown = tidegate("config", "check")
    assert (shown.code, shown.out) == (2, "")
    assert "[[clients]] office key_env" in shown.err
    assert "OFFICE_KEY is not set" in shown.err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nprot = 1\n", "server.prot"),
        ("[server\n", "not valid TOML"),
        ("[server]\nhost = '0.0.0.0'\n", "[server] host"),
        ("[backends.auto]\nkind = 'fake'\n", "[backends.auto]"),
        ("[aliases.x]\ntargets = ['nobody']\n", "[aliases.x] targets"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_option(tidegate: Run, tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "tidegate.toml").write_text(text)
    shown = tidegate("config", "check")
    assert (shown.code, shown.out, shown.err.count("\n")) == (2, "", 1)
    assert named in shown.err


def test_a_missing_file_is_said(tidegate: Run) -> None:
    shown = tidegate("config", "check", "--config", "missing.toml")
    assert (shown.code, "missing.toml does not exist" in shown.err) == (2, True)


def test_checking_leaves_nothing_behind(tidegate: Run, tmp_path: Path) -> None:
    tidegate("config", "check")
    assert list(tmp_path.iterdir()) == []


def test_show_tells_each_option_with_its_origin(tidegate: Run, written: Path) -> None:
    shown = options(tidegate("config", "show", "--json"))
    assert shown["server.port"] == (5000, "file")
    assert shown["server.host"] == ("127.0.0.1", "default")
    assert shown["backends.den.models"] == (["a", "b"], "file")
    assert shown["backends.den.boundary"] == (None, "default")
    assert shown["aliases.notes.class"] == ("private", "file")
    assert shown["clients[1].class"] == ("internal", "file")
    assert shown["clients[0].class"] == (None, "default")
    assert shown["embedded.enabled"] == (True, "default")


def test_show_names_keys_by_their_variables_and_says_which_are_missing(tidegate: Run, written: Path) -> None:
    for flags in ((), ("--json",)):
        out = tidegate("config", "show", *flags).out
        assert "canary-" not in out
    shown = options(tidegate("config", "show", "--json"))
    assert shown["backends.den.key_env"] == ("DEN_KEY", "file, set")
    assert shown["clients[0].key_env"] == ("CLINIC_KEY", "file, set")
    assert shown["clients[1].key_env"] == ("OFFICE_KEY", "file, NOT SET")


def test_show_for_people_is_one_option_a_line_under_its_file(tidegate: Run, written: Path) -> None:
    first, *rest = tidegate("config", "show").out.splitlines()
    assert first == "# tidegate.toml"
    assert "server.port = 5000   # file" in rest
    assert 'clients[1].key_env = "OFFICE_KEY"   # file, NOT SET' in rest
    assert all(" = " in line and "   # " in line for line in rest)


def test_show_without_a_file_is_all_defaults(tidegate: Run) -> None:
    shown = tidegate("config", "show")
    assert shown.out.startswith("# no file: defaults\n")
    origins = {origin for _, origin in options(tidegate("config", "show", "--json")).values()}
    assert origins == {"default"}


def test_without_a_word_more_it_shows_its_help(tidegate: Run) -> None:
    shown = tidegate("config")
    assert "check" in shown.out + shown.err
    assert "show" in shown.out + shown.err
