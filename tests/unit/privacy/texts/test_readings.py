from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.privacy.texts.readings import LEVELS, Trail, is_settled, may_hide, reading, readings


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\u0034111", "4111"),
        (r"a\/b", "a/b"),
        (r"line\nnext", "line\nnext"),
        (r"\ud83c\udf0a!", "🌊!"),
        (r"\x34\x31", "41"),
        ("alice%40example.test", "alice@example.test"),
        ("%E5%BC%A0", "张"),
        (r"\ud83c alone", "\ufffd alone"),
        ("%ff", "\ufffd"),
    ],
)
def test_one_level(written: str, read: str):
    assert readings(written)[0] == reading(written).text == read


def test_what_has_no_escapes_has_no_readings():
    for text in ("", "100% of it", "C:\\users", "\\", "50%"):
        assert readings(text) == []
    assert not may_hide("plain")


def test_json_in_json_is_read_to_the_bottom():
    said = json.dumps({"a": json.dumps({"card": "\u0034é"})})
    assert readings(said)[1] == said.replace("\\\\", "\\").replace('\\"', '"').replace("\\u00e9", "é")
    assert is_settled(said)


def test_what_is_escaped_without_end_is_not_settled():
    assert not is_settled("\\" * 64 + "u0034")
    assert not is_settled("%25" + "25" * LEVELS + "34")
    assert is_settled("%25" * 3)
    assert len(readings("\\" * 1024)) == LEVELS


@given(st.text(alphabet='\\u0034n"/%a5dD8cx', max_size=30))
def test_the_quick_way_reads_as_the_one_with_a_map(text: str):
    assert (readings(text) or [text])[0] == reading(text).text


@given(st.text(max_size=8), st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_what_is_found_in_a_reading_is_traced_to_where_it_stands(before: str, value: str, after: str):
    def encoded(text: str) -> str:
        return json.dumps(json.dumps(text)[1:-1])[1:-1]

    text = encoded(before) + encoded(value) + encoded(after)
    read = reading(reading(text).text).text
    start = len(before)
    if read != before + value + after:
        return  # the text has escapes of its own
    if not readings(text)[1:]:
        return
    begin, end = Trail(text).back(1, start, start + len(value))
    assert text[begin:end] == encoded(value)


def test_an_escape_is_never_cut():
    # In the reading "ab" of one run of percent signs, "b" alone stands nowhere.
    trail = Trail("x%61%62y")
    assert trail.back(0, 2, 3) == (1, 7)
    assert trail.back(0, 3, 4) == (7, 8)
