"""Catalogue files: every row says where it comes from and when someone last looked; without that a file does not load."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from tidegate.catalog import reader

TABLES = [("example_model.toml", "files"), ("prices.toml", "prices"), ("runtimes.toml", "runtimes")]


@pytest.mark.parametrize(("file_name", "table"), TABLES)
def test_every_row_has_a_source_and_a_date(file_name, table):
    found = reader.rows(file_name, table)
    assert found
    for row in found:
        assert row["source"]
        assert date.fromisoformat(str(row["checked"]))


def test_the_tests_know_every_file_of_rows():
    files = {entry.name for entry in resources.files("tidegate.catalog").iterdir() if entry.name.endswith(".toml")}
    assert files == {file_name for file_name, _ in TABLES} | {"embedded.toml"}


def test_the_embedded_model_has_a_source_and_a_date_too():
    text = resources.files("tidegate.catalog").joinpath("embedded.toml").read_text(encoding="utf-8")
    row = tomllib.loads(text)
    assert row["source"].startswith("https://")
    assert isinstance(row["checked"], date)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads the rows of a file with this text."""
    monkeypatch.setattr(reader.resources, "files", lambda _package: tmp_path)

    def read(text: str):
        (tmp_path / "facts.toml").write_text(text, encoding="utf-8")
        return reader.rows.__wrapped__("facts.toml", "facts")

    return read


def test_a_row_with_source_and_date_loads(written):
    assert written('[[facts]]\nid = "a"\nsource = "a page"\nchecked = "2026-11-22"\n') == (
        {"id": "a", "source": "a page", "checked": "2026-11-22"},
    )


@pytest.mark.parametrize(
    "lines",
    ['checked = "2026-11-22"', 'source = ""\nchecked = "2026-11-22"', 'source = "a"', 'source = "a"\nchecked = "soon"'],
)
def test_a_row_without_source_or_date_does_not_load(written, lines):
    good = '[[facts]]\nsource = "a"\nchecked = "2026-11-22"\n'
    with pytest.raises(ValueError, match=r"facts\.toml: a row of facts lacks `source` or `checked`"):
        written(f"{good}[[facts]]\n{lines}\n")
