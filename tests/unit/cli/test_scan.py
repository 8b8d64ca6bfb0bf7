"""`tidegate scan`: places, codes and exit codes; never a value."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tidegate.cli.scan import located
from tidegate.core.findings import Finding

MAIL, CARD, WORD = "anna@host.com", "4111 1111 1111 1111", "hunter2" + "abc"
CONFIG = '[[privacy.terms]]\nname = "project"\nterms = ["tidefall"]\npatterns = ["PRJ-[0-9]+"]\n'


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text(f"hello\n  {MAIL}\n卡{CARD}, tidefall\npassword = {WORD}\n", encoding="utf-8")
    return path


def test_a_table_of_places_and_nothing_of_the_values(tidegate, sample) -> None:
    ran = tidegate("scan", sample.name)
    assert ran.code == 1
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["place", "rule", "what", "group", "checksum"]
    assert [(line[0], line[1], line[-2], line[-1]) for line in lines[1:]] == [
        ("notes.txt:2:3", "SEN009", "personal", "none"),
        ("notes.txt:3:2", "SEN001", "personal", "valid"),
        ("notes.txt:4:12", "SEN073", "secret", "none"),
    ]
    assert ran.err == "found 2 personal, 1 secret in 1 file\n"
    assert not any(value in ran.out + ran.err for value in (MAIL, CARD, WORD))


def test_one_json_document(tidegate, sample) -> None:
    ran = tidegate("scan", str(sample), "--json")
    said = json.loads(ran.out)
    assert ran.code == 1
    assert (said["files"], said["skipped"], len(said["findings"])) == (1, [], 3)
    assert said["findings"][0] == {
        "file": str(sample),
        "line": 2,
        "column": 3,
        "end_line": 2,
        "end_column": 3 + len(MAIL),
        "code": "SEN009",
        "title": "e-mail address",
        "group": "personal",
        "label": "",
        "checksum": "none",
    }
    assert not any(value in ran.out + ran.err for value in (MAIL, CARD, WORD))


def test_what_is_clean(tidegate, tmp_path) -> None:
    (tmp_path / "clean.txt").write_text("nothing to see")
    ran = tidegate("scan", "clean.txt")
    assert (ran.code, ran.out, ran.err) == (0, "", "found nothing in 1 file\n")
    assert json.loads(tidegate("scan", "clean.txt", "--json").out)["findings"] == []


def test_a_folder_skips_what_is_no_text_and_says_so(tidegate, tmp_path, sample) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(MAIL)
    (tmp_path / "image").write_bytes(b"\0" + MAIL.encode())
    ran = tidegate("scan", ".")
    assert ran.code == 1
    assert ran.out.count("SEN009") == 1
    assert ran.err == "found 2 personal, 1 secret in 1 file; 1 not text, not looked into\n"


def test_standard_input(tidegate, monkeypatch) -> None:
    for arguments in (("scan",), ("scan", "-")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"to {MAIL}".encode())))
        ran = tidegate(*arguments)
        assert (ran.code, ran.out.splitlines()[1].split()[:2]) == (1, ["-:1:4", "SEN009"])


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (("--only", "secret"), ["SEN073"]),
        (("--only", "SEN001", "--only", "SEN073"), ["SEN001", "SEN073"]),
        (("--ignore", "personal"), ["SEN073"]),
        (("--ignore", "SEN009"), ["SEN001", "SEN073"]),
        (("--only", "personal", "--ignore", "SEN001"), ["SEN009"]),
        (("--only", "name"), []),
    ],
)
def test_only_and_ignore(tidegate, sample, options, codes) -> None:
    ran = tidegate("scan", str(sample), "--json", *options)
    assert [one["code"] for one in json.loads(ran.out)["findings"]] == codes
    assert ran.code == (1 if codes else 0)


def test_the_terms_of_a_configuration(tidegate, tmp_path, sample) -> None:
    (tmp_path / "own.toml").write_text(CONFIG)
    ran = tidegate("scan", str(sample), "--json", "--config", "own.toml", "--only", "term:project")
    (found,) = json.loads(ran.out)["findings"]
    assert (found["code"], found["label"], found["line"]) == ("SEN080", "project", 3)
    (tmp_path / "tidegate.toml").write_text(CONFIG)
    assert "term:project" in tidegate("scan", str(sample)).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.txt",), "none.txt: no such file or folder"),
        ((".", "--only", "SEN0001"), "--only SEN0001: no such rule, group or term; did you mean SEN001?"),
        ((".", "--ignore", "term:other"), "--ignore term:other: no such rule"),
        ((".", "--config", "none.toml"), "none.toml"),
    ],
)
def test_wrong_use_is_exit_code_2(tidegate, arguments, said) -> None:
    ran = tidegate("scan", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_a_terminal_without_files_is_asked_for_some(tidegate, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    ran = tidegate("scan")
    assert (ran.code, "name files or folders" in ran.err) == (2, True)


def test_places_over_lines() -> None:
    text = "ab\ncd\nef"
    first, second = located("f", text, [Finding("SEN001", "personal", 1, 4), Finding("SEN009", "personal", 6, 8)])
    assert (first.line, first.column, first.end_line, first.end_column) == (1, 2, 2, 2)
    assert (second.line, second.column, second.end_line, second.end_column) == (3, 1, 3, 3)
