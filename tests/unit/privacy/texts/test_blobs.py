from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tidegate.privacy.texts import blobs
from tidegate.privacy.texts.blobs import holds_blob, visible

DATA = base64.b64encode(bytes(range(256)) * 2).decode()
LINES = "\n".join(DATA[at : at + 76] for at in range(0, len(DATA), 76))


@pytest.mark.parametrize("before", ["", "Look: ", "x " * 70])
@pytest.mark.parametrize("data", [DATA, LINES, LINES.replace("\n", "\\n"), bytes(range(200)).hex()])
def test_data_is_seen_wherever_it_begins(before: str, data: str):
    assert holds_blob(f"{before}{data} and so on")


def test_one_long_run_is_read_once():
    """Without an end to each look this takes minutes."""
    assert not holds_blob("a" * 4_000_000)


def test_a_data_url_is_seen_however_short():
    assert holds_blob("![](data:image/png;base64,iVBORw0KGgoAAAAN)")
    assert holds_blob("DATA:text/plain;charset=utf-8;BASE64,iVBORw0KGgoAAAAN")
    assert not holds_blob("data:,hello and data:text/plain,hello can be read")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word " * 200,
        "\n".join(["identifier9"] * 100),
        "-" * 500,
        "漢字" * 300,
        "data: {}\n\n" * 50,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" * 1,
        Path(blobs.__file__).read_text(),
    ],
)
def test_prose_and_code_are_none(text: str):
    assert not holds_blob(text)


def test_of_a_member_that_may_be_data_the_text_is_shown():
    assert visible("https://example.test/a.png") == "https://example.test/a.png"
    assert visible(f"data:image/png;name=ada.png;base64,{DATA}") == "data:image/png;name=ada.png;base64"
    assert visible(DATA) == ""
