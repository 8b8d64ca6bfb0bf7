"""The page that shows how a runtime is added shows the real files: each of its blocks stands in the file it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cookbook" / "add-a-runtime.md"
QUOTES = re.findall(
    r"^`([\w./]+)`:\n\n```(?:py|ini|text)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize(("path", "quoted"), QUOTES, ids=[f"{path}-{place}" for place, (path, _) in enumerate(QUOTES)])
def test_a_quoted_block_is_in_its_file(path: str, quoted: str) -> None:
    assert f"\n{quoted}" in (ROOT / path).read_text(encoding="utf-8")


def test_every_block_of_source_says_where_it_stands() -> None:
    blocks = re.findall(r"^```(?:py|ini|text)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(blocks) == len(QUOTES) >= 8


def test_the_files_that_the_page_sends_to_exist() -> None:
    named = set(re.findall(r"`((?:src|tests)/[\w./]+\.\w+)`", PAGE.read_text(encoding="utf-8")))
    assert [path for path in named if not (ROOT / path).is_file()] == []
