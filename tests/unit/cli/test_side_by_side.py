"""Several answers in one: cut at their headings, and beside each other on a terminal."""

from __future__ import annotations

import pytest

from tidegate.cli.side_by_side import Part, parts_of, print_columns

TEXT = (
    "### hosted/deepseek-flash\n\nHello.\n\n### A heading of its own\n\nMore.\n\n"
    "### home/org/m:7b\n\nHi.\n\n(left out by rule: x RTE010)"
)


def test_it_is_cut_where_a_place_is_named() -> None:
    assert parts_of(TEXT) == [
        Part("hosted/deepseek-flash", "Hello.\n\n### A heading of its own\n\nMore."),
        Part("home/org/m:7b", "Hi.\n\n(left out by rule: x RTE010)"),
    ]
    assert parts_of("### home/m\n\n") == [Part("home/m", "")]


@pytest.mark.parametrize("text", ["", "Hello.", "Hello. ### home/m\n\nx"])
def test_without_headings_there_are_no_parts(text: str) -> None:
    assert parts_of(text) == []


def test_they_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns([Part("hosted/m", "[bold]Hello."), Part("home/m", "Hi.")], [Part("home/m", "Hm.")])
    lines = capsys.readouterr().out.splitlines()
    assert any("hosted/m" in line and "home/m" in line for line in lines)
    assert any("[bold]Hello." in line and "thinking: Hm." in line for line in lines)
