"""Telephone numbers: international, Chinese, by shape, by cue; and the many numbers that are none."""

from __future__ import annotations

import subprocess
import sys

import pytest

PHONE, CN_PHONE = "SEN007", "SEN008"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call +1 415-555-0132 now", "+1 415-555-0132"),
        ("+1 (415) 555-0132", "+1 (415) 555-0132"),
        ("+442079460958", "+442079460958"),
        ("电话+49 30 901820。", "+49 30 901820"),
        ("0049 30 901820", "0049 30 901820"),
        ("(415) 555-0132", "(415) 555-0132"),
        ("415-555-0132 x12", "415-555-0132 x12"),
        ("415.555.0132", "415.555.0132"),
        ("020 7946 0958", "020 7946 0958"),
        ("01 42 68 53 00", "01 42 68 53 00"),
        ("phone: 5550132", "5550132"),
        ("Tel. 030/12345678", "030/12345678"),
    ],
)
def test_phones(finds, text: str, value: str) -> None:
    assert finds(text) == [(PHONE, value)]


@pytest.mark.parametrize(
    "number",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86 138 1234 5678",
        "+8613812345678",
        "1 3 8 1 2 3 4 5 6 7 8",
        "010-62345678",
        "0755-2345678",
        "一三八一二三四五六七八",
        "(010) 62345678",
        "010-62345678转801",
        "１３８１２３４５６７８",
    ],
)
@pytest.mark.parametrize("around", ["{}", "我的号码是{}请联系", "tel:{}\n"])
def test_chinese_phones(finds, number: str, around: str) -> None:
    assert finds(around.format(number)) == [(CN_PHONE, number)]


@pytest.mark.parametrize(
    "text",
    [
        "2024-11-24 10:00",
        "2.71828183",
        "1732449534",
        "arXiv 2401.12345",
        "12345678901",
        "1999-2004",
        "v1.2.345.6789",
        "订单号13812345678",
        "order id 415-555-0132",
        "0.13812345678",
        "x+35236450.6",
        "2023 2024 2025",
        "x13812345678",
        "01 02 03 04 05 06 07",
        "phone built 2024-11-24",
    ],
)
def test_numbers_that_are_no_phones(finds, text: str) -> None:
    assert finds(text) == []


def test_the_large_library_is_imported_when_it_is_needed() -> None:
    program = """
import sys
from tidegate.privacy.scanner import Scanner
scanner = Scanner()
scanner.scan("card 4111 1111 1111 1111 and 13812345678")
before = "phonenumbers" in sys.modules
scanner.scan("+1 415-555-0132")
print(before, "phonenumbers" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]
