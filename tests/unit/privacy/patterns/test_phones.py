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
        ("the shop, 0161.496.0123, opens", "0161.496.0123"),
        ("the shop has 0221 . 496 . 0123 only", "0221 . 496 . 0123"),
        ("店里是0571.8765.4321。", "0571.8765.4321"),
        ("the shop has 0161\n4960123 and a fax", "0161\n4960123"),
        ("the shop has 0161496\n    0123.", "0161496\n    0123"),
        ("the shop has 415\r\n5550132, closed", "415\r\n5550132"),
        ("the shop has 415-\n  555-0132.", "415-\n  555-0132"),
        ("you can reach her office at 5550132", "5550132"),
        ("available on weekdays under 496 0123 4", "496 0123 4"),
        ("celular: 91234567", "91234567"),
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
        "212 224\n8928 12\n13 14",
        "0161.4960123",
        "091.120.130.140",
        "0161\n4960123",
        "x,0161\n4960123\n0162",
        "415\n5550132\n416",
        "available under the rule of 1.2 and then 5550132",
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
from tidegate.privacy.patterns.scanner import Scanner
scanner = Scanner()
scanner.scan("card 4111 1111 1111 1111 and 13812345678")
before = "phonenumbers" in sys.modules
scanner.scan("+1 415-555-0132")
print(before, "phonenumbers" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("address", ["138.123.45.67", "154.173.255.62", "188.229.144.18"])
def test_an_address_of_the_network_is_no_phone(finds, address: str) -> None:
    assert finds(f"mobile client {address} came") == [("SEN010", address)]
