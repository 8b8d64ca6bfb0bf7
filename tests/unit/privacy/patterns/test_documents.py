"""What documents carry."""

from __future__ import annotations

import pytest
from stdnum.cn import uscc

IBAN, USCC, PASSPORT, PLATE, MESSENGER, BIRTH = "SEN002", "SEN005", "SEN013", "SEN014", "SEN015", "SEN016"
COMPANY = "91110000600037341L"


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("IBAN DE89 3704 0044 0532 0130 00 und", IBAN, "DE89 3704 0044 0532 0130 00"),
        ("账户GB29NWBK60161331926819。", IBAN, "GB29NWBK60161331926819"),
        ("de89370400440532013000", IBAN, "de89370400440532013000"),
        ("DE89 3704 0044\n0532 0130 00", IBAN, "DE89 3704 0044\n0532 0130 00"),
        (f"信用代码{COMPANY}公司", USCC, COMPANY),
        ("passport no. C01234567", PASSPORT, "C01234567"),
        ("Passport number: 123456789", PASSPORT, "123456789"),
        ("护照号码：E12345678，", PASSPORT, "E12345678"),
        ("港澳通行证C12345678", PASSPORT, "C12345678"),
        ("车在京A12345旁边", PLATE, "京A12345"),
        ("粤B·D12345", PLATE, "粤B·D12345"),
        ("License plate: 7ABC123", PLATE, "7ABC123"),
        ("Kennzeichen B-AB 1234", PLATE, "B-AB 1234"),
        ("微信号：zhang_san88", MESSENGER, "zhang_san88"),
        ("加我微信zhang1990吧", MESSENGER, "zhang1990"),
        ("WeChat ID: annalena", MESSENGER, "annalena"),
        ("我的QQ：123456789", MESSENGER, "123456789"),
        ("born on 4 July 1990 in", BIRTH, "4 July 1990"),
        ("DOB: 04/07/1990", BIRTH, "04/07/1990"),
        ("出生日期：1990年3月4日", BIRTH, "1990年3月4日"),
        ("他1990年3月4日出生", BIRTH, "1990年3月4日"),
    ],
)
def test_documents(finds, text: str, code: str, value: str) -> None:
    assert finds(text) == [(code, value)]


@pytest.mark.parametrize(
    "text",
    [
        "DE88 3704 0044 0532 0130 00",
        "XX89370400440532013000",
        "91110000600037341M",
        "passport control",
        "护照已经过期",
        "微信支付很方便",
        "京东A座很高",
        "a plate of pasta",
        "born to run",
        "生日快乐",
        "用wechat登录",
    ],
)
def test_what_only_looks_alike(finds, text: str) -> None:
    assert finds(text) == []


def test_the_machine_readable_zone_needs_no_cue(finds) -> None:
    first, second = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
    assert finds(f"{first}\n{second}") == [(PASSPORT, f"{first}\n{second}")]
    assert finds(second) == [(PASSPORT, second)]


def test_the_company_is_a_real_one_to_the_library() -> None:
    assert uscc.is_valid(COMPANY)
