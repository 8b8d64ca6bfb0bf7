"""Where files lie: the XDG folders where they are given and absolute, and the nearest configuration file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.cli.places import cache_folder, config_path, own_command, state_folder

FOLDERS = [("XDG_CACHE_HOME", cache_folder, ".cache"), ("XDG_STATE_HOME", state_folder, ".local/state")]


@pytest.mark.parametrize(("variable", "folder", "_fallback"), FOLDERS)
def test_the_variable_says_where(
    variable: str, folder: Callable[[], Path], _fallback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/else/where")
    assert folder() == Path("/else/where/tidegate")


@pytest.mark.parametrize("value", [None, "", "relative/path", "./x", "~/x"])
@pytest.mark.parametrize(("variable", "folder", "fallback"), FOLDERS)
def test_without_an_absolute_one_it_is_the_users_home(
    variable: str, folder: Callable[[], Path], fallback: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.delenv(variable, raising=False)
    if value is not None:
        monkeypatch.setenv(variable, value)
    assert folder() == Path("/home/anna") / fallback / "tidegate"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The file here and the user's, neither written yet."""
    (tmp_path / "config" / "tidegate").mkdir(parents=True)
    return tmp_path / "tidegate.toml", tmp_path / "config" / "tidegate" / "tidegate.toml"


def test_without_any_file_there_is_none(files: tuple[Path, Path]) -> None:
    assert config_path(None) is None


def test_the_users_file_is_found(files: tuple[Path, Path]) -> None:
    files[1].touch()
    assert config_path(None) == files[1]


def test_the_file_here_comes_before_the_users(files: tuple[Path, Path]) -> None:
    for file in files:
        file.touch()
    found = config_path(None)
    assert found is not None
    assert found.resolve() == files[0].resolve()


def test_a_folder_of_that_name_is_no_file(files: tuple[Path, Path]) -> None:
    files[0].mkdir()
    files[1].touch()
    assert config_path(None) == files[1]


def test_a_named_file_is_taken_even_if_it_is_missing(files: tuple[Path, Path]) -> None:
    files[0].touch()
    assert config_path(Path("missing.toml")) == Path("missing.toml")


def test_a_command_off_the_path_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv/bin/tidegate")])
    assert own_command() == ".venv/bin/tidegate"
    monkeypatch.setattr("sys.argv", ["/opt/tidegate/__main__.py"])
    assert own_command() == "python -m tidegate"
    (tmp_path / "tidegate").write_text("#!/bin/sh\n")
    (tmp_path / "tidegate").chmod(0o755)
    assert own_command() == "tidegate"
