"""The scanner as a whole: order, texts of any kind, one pass for clean ones, and time that grows with the text only."""

from __future__ import annotations

import sys

import pytest

from tidegate.privacy.patterns.gates import Gates
from tidegate.privacy.patterns.scanner import DETECTORS, Scanner

CLEAN = [
    "Please summarise the meeting notes: we agreed on the roadmap, three milestones and a review in spring.",
    "今天天气很好，我们一起去公园散步。这个项目的主要目标是提高数据处理的效率。",
    "for index, value in enumerate(values):\n    total += value * 0.25  # half of 50 %\n",
    "The 2024 report (pp. 12-17) cites 3.14159, 10,000 and 1/3.",
]


@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_text_passes_no_gate_or_finds_nothing(scanner: Scanner, text: str) -> None:
    assert scanner.scan(text) == ()


def test_an_ordinary_text_opens_no_gate(scanner: Scanner) -> None:
    assert scanner._gates.matching(CLEAN[0].encode()) == []
    assert scanner._gates.matching(CLEAN[1].encode()) == []


def test_findings_come_in_order_and_with_their_check(scanner: Scanner) -> None:
    found = scanner.scan("mail anna@host.com, card 4111 1111 1111 1111, 手机13812345678")
    assert [(one.code, one.checksum) for one in found] == [("SEN009", "none"), ("SEN001", "valid"), ("SEN008", "none")]
    assert [one.group for one in found] == ["personal"] * 3


@pytest.mark.parametrize("text", ["", "\ud800", "\ud8004111 1111 1111 1111\udfff", "\0", "\r\n" * 10])
def test_any_text_can_be_looked_at(scanner: Scanner, text: str) -> None:
    assert [text[one.start : one.end] for one in scanner.scan(text)] in ([], ["4111 1111 1111 1111"])


def test_json_escapes_are_looked_through(scanner: Scanner) -> None:
    text = r'{"text": "\u624b\u673a\u53f713812345678\n"}'
    assert [text[one.start : one.end] for one in scanner.scan(text)] == ["13812345678"]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
def test_every_gate_is_a_pattern_of_its_own(detector) -> None:
    assert Gates([detector.gate]).matching(b"") == []


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "12 34 ",
        "1234567890 ",
        "a@",
        "@a.",
        "a:",
        "password=",
        "password ",
        "(((",
        "1.2.3.",
        "eyJabcdefgh.",
        "curl -u ",
        "born ",
        "微信",
        "cookie: a=b; ",
        " dot com",
        "://a:",
        "-----BEGIN PRIVATE " + "KEY-----\n",
        "key=",
        "卡号",
        "0f:",
        "+1",
        "４",
        "\u200b1",
    ],
)
def test_the_worst_texts_take_time_in_proportion(scanner: Scanner, unit: str) -> None:
    """Counted in calls of Python, which no other program on the machine can change: twice the text, twice the calls."""
    small, large = (_steps(scanner, unit * count) for count in (400, 1600))
    assert large <= 4.2 * small + 2000


def _steps(scanner: Scanner, text: str) -> int:
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        scanner.scan(text)
    finally:
        sys.setprofile(before)
    return count
