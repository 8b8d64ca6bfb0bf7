"""Cards, identity numbers, social security and account numbers, by their check digits and cue words."""

from __future__ import annotations

import pytest
from stdnum import luhn as known_luhn

from tidegate.privacy.patterns.numbers import luhn

CARD, SSN, CN_ID, BANK, ACCOUNT = "SEN001", "SEN003", "SEN004", "SEN006", "SEN019"


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "5555 5555\n5555 4444",
        "55555555\n55554444",
        "４１１１　１１１１　１１１１　１１１１",
        "4111\u00a01111\u20091111\u200b1111",
        "6759649826438453",
    ],
)
@pytest.mark.parametrize("around", ["{}", "卡号{}，谢谢", "card={};", '{{"n":"{}"}}', "see {}.", "({})"])
def test_cards(finds, card: str, around: str) -> None:
    assert finds(around.format(card)) == [(CARD, card)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "1111 1111 1111 1111",
        "x4111111111111111",
        "4111111111111111x",
        "0.4111111111111111",
        "4111111111111111.25",
        "order 4111111111111111",
        "1732449534000",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_what_is_no_card(finds, text: str) -> None:
    assert finds(text) == []


def test_a_cue_helps_an_unknown_issuer(finds) -> None:
    assert finds("card number 1234567812345670") == [(CARD, "1234567812345670")]
    assert finds("number 1234567812345670") == []


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("身份证11010519491231002X。", CN_ID, "11010519491231002X"),
        ("id 11010519491231002x", CN_ID, "11010519491231002x"),
        ("110105 19491231 002X", CN_ID, "110105 19491231 002X"),
        ("身份证号：110105194912310021", CN_ID, "110105194912310021"),
        ("身份证 110105491231002", CN_ID, "110105491231002"),
        ("卡6222021234567890128", BANK, "6222021234567890128"),
        ("银行卡号6222021234567890123", BANK, "6222021234567890123"),
        ("123-45-6789", SSN, "123-45-6789"),
        ("123 45 6789", SSN, "123 45 6789"),
        ("SSN: 123456789", SSN, "123456789"),
        ("his ssn is 987-65-4321", SSN, "987-65-4321"),
        ("bank account no. 12345678", ACCOUNT, "12345678"),
        ("账号：1234567890", ACCOUNT, "1234567890"),
    ],
)
def test_numbers_with_a_shape_or_a_cue(finds, text: str, code: str, value: str) -> None:
    assert finds(text) == [(code, value)]


@pytest.mark.parametrize(
    "text",
    ["110105194912310021", "000-12-3456", "666-12-3456", "123-00-6789", "123-45-0000", "123456789", "1-123-45-6789-1"],
)
def test_numbers_that_were_never_given(finds, text: str) -> None:
    assert finds(text) == []


@pytest.mark.parametrize("digits", ["79927398713", "79927398710", "4111111111111111", "0", "18", "59"])
def test_luhn_agrees_with_the_library(digits: str) -> None:
    assert luhn(digits) is known_luhn.is_valid(digits)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("社安号：5 7 2 8 3 2 8 9 0", "5 7 2 8 3 2 8 9 0"),
        ('"social_security_number": "572832890"', "572832890"),
        ("SSN: 572\n    832890.", "572\n    832890"),
        ("SSN: 57283\r\n2890", "57283\r\n2890"),
        ("572832890 is her social security number", "572832890"),
    ],
)
def test_a_social_security_number_beside_its_word(finds, text: str, value: str) -> None:
    assert finds(text) == [("SEN003", value)]
    assert finds(value) == []
