"""E-mail, IP and network card addresses."""

from __future__ import annotations

import pytest

MAIL, IPV4, IPV6, PRIVATE, MAC = "SEN009", "SEN010", "SEN011", "SEN012", "SEN018"


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("anna.b+x@host.co.uk,", MAIL, "anna.b+x@host.co.uk"),
        ("发给anna@host.com吧", MAIL, "anna@host.com"),
        ("<mailto:anna@host.com>", MAIL, "anna@host.com"),
        ("?to=anna@host.com&x", MAIL, "anna@host.com"),
        ('"a\\nanna@host.com"', MAIL, "anna@host.com"),
        ("ａｎｎａ＠ｈｏｓｔ．ｃｏｍ", MAIL, "ａｎｎａ＠ｈｏｓｔ．ｃｏｍ"),
        ("anna (at) host dot com", MAIL, "anna (at) host dot com"),
        ("anna[at]host[dot]com", MAIL, "anna[at]host[dot]com"),
        ("anna at host dot com", MAIL, "anna at host dot com"),
        ("anna @ host.com", MAIL, "anna @ host.com"),
        ("联系anna@公司.中国", MAIL, "anna@公司.中国"),
        ("at 8.8.8.8.", IPV4, "8.8.8.8"),
        ("服务器8.8.4.4挂了", IPV4, "8.8.4.4"),
        ("host 192.168.3.7:80", PRIVATE, "192.168.3.7"),
        ("10.20.30.40", PRIVATE, "10.20.30.40"),
        ("[2a00:1450:4001:81b::200e]", IPV6, "2a00:1450:4001:81b::200e"),
        ("mac 00:1B:44:11:3A:B7", MAC, "00:1B:44:11:3A:B7"),
    ],
)
def test_addresses(finds, text: str, code: str, value: str) -> None:
    assert finds(text) == [(code, value)]


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "0.0.0.0",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "255.255.255.0",
        "10.0.0.0/8",
        "192.168.1.1",
        "169.254.1.1",
        "224.0.0.1",
        "version 1.2.3.4",
        "v4.3.2.1",
        "1.2.3.4.5",
        "999.1.1.1",
        "::1",
        "2001:db8::1",
        "fe80::1",
        "std::abc::def",
        "dead::beef",
        "12:34:56",
        "icon@2x.png",
        "lodash@4.17.21",
        "git@host.com:me/it",
        "@decorator\n@other",
        "a@b.T",
        "x @ y.mean()",
        "00:11:22:33:44:55",
        "look at the dot on it",
    ],
)
def test_what_belongs_to_nobody_or_is_no_address(finds, text: str) -> None:
    assert finds(text) == []
