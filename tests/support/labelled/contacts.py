"""Ways to reach or know a person or a machine: phones, e-mail, IP addresses, passports, Chinese plates.

Phone numbers are ones that could be given out (phonenumbers says valid); all are made by chance.
"""

from __future__ import annotations

import ipaddress
import random
import string

import phonenumbers

from .numbers import digits
from .values import Value, whole

PEOPLE = ("maria.keller", "tom_baker", "j.okafor", "lin.wei", "sofia-rossi", "ravi2024", "a.novak", "zhangsan88", "kim")
DOMAINS = (
    "example.com",
    "mail.example.org",
    "acme-corp.example.net",
    "example.co.uk",
    "qq.com",
    "163.com",
    "uni.example.edu",
)
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
# Region: digits of an international number, in groups; x is chance.
ABROAD = (
    ("+33", "6", "xx", "xx", "xx", "xx"),
    ("+81", "90", "xxxx", "xxxx"),
    ("+91", "98xxx", "xxxxx"),
    ("+55", "11", "9xxxx", "xxxx"),
    ("+61", "4xx", "xxx", "xxx"),
    ("+39", "34x", "xxx", "xxxx"),
    ("+65", "9xxx", "xxxx"),
    ("+7", "916", "xxx", "xx", "xx"),
)
AREAS_DE = ("030", "040", "089", "0221", "0711")
AREAS_CN = ("010", "021", "020", "0755", "0571", "028", "0512")


def _dialled(rng: random.Random, pattern: tuple[str, ...], region: str | None) -> tuple[str, ...]:
    """Chance for each x until the number is valid."""
    while True:
        groups = tuple("".join(rng.choice(string.digits) if c == "x" else c for c in part) for part in pattern)
        if phonenumbers.is_valid_number(phonenumbers.parse("".join(groups), region)):
            return groups


def phone_abroad(rng: random.Random) -> Value:
    groups = _dialled(rng, rng.choice(ABROAD), None)
    return whole(rng.choice((" ".join(groups), "".join(groups), "-".join(groups))), groups)


def phone_us(rng: random.Random) -> Value:
    groups = _dialled(rng, (rng.choice(("212", "415", "512", "303", "617", "206")), "xxx", "xxxx"), "US")
    a, b, c = groups
    return whole(
        rng.choice((f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"({a}){b}-{c}")), groups
    )


def phone_uk(rng: random.Random) -> Value:
    pattern = rng.choice((("020", "7xxx", "xxxx"), ("0161", "496", "xxxx"), ("07xxx", "xxx", "xxx")))
    groups = _dialled(rng, pattern, "GB")
    a, b, c = groups
    forms = (f"{a} {b} {c}", f"+44 {a[1:]} {b} {c}", f"({a}) {b} {c}", f"+44 (0){a[1:]} {b} {c}")
    return whole(rng.choice(forms), groups)


def phone_de(rng: random.Random) -> Value:
    mobile = rng.random() < 0.5
    groups = _dialled(rng, ("0151", "xxxx", "xxxx") if mobile else (rng.choice(AREAS_DE), "xxx", "xxxx"), "DE")
    a, b, c = groups
    forms = (f"{a}/{b}{c}", f"{a}-{b}{c}", f"+49 {a[1:]} {b}{c}", f"({a}) {b} {c}", f"0049 {a[1:]} {b}{c}")
    return whole(rng.choice(forms), groups)


def mobile_cn(rng: random.Random) -> Value:
    groups = _dialled(rng, (rng.choice(("138", "139", "150", "186", "177", "199", "132")), "xxxx", "xxxx"), "CN")
    bare = "".join(groups)
    return whole(rng.choice((bare, bare, f"+86 {bare}", f"+86{bare}", "-".join(groups))), groups)


def landline_cn(rng: random.Random) -> Value:
    if rng.random() < 0.2:
        groups = _dialled(rng, ("400", "8xx", "xxxx"), "CN")
        return whole("-".join(groups), groups)
    groups = _dialled(rng, (rng.choice(AREAS_CN), "8xxx", "xxxx"), "CN")
    a, b, c = groups
    return whole(
        rng.choice((f"{a}-{b}{c}", f"({a}){b}{c}", f"({a}) {b}{c}", f"+86-{a[1:]}-{b}{c}", f"{a} {b}{c}")), groups
    )


def email(rng: random.Random) -> Value:
    domain = rng.choice(DOMAINS)
    local = digits(rng, rng.randint(7, 10)) if domain == "qq.com" else rng.choice(PEOPLE)
    if domain != "qq.com" and rng.random() < 0.3:
        local += rng.choice(("+shop", "+news", ".work", "77"))
    return whole(f"{local}@{domain}")


def ipv4(rng: random.Random) -> Value:
    while True:
        address = ipaddress.IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return whole(str(address))


def ipv6(rng: random.Random) -> Value:
    prefix = rng.choice((0x2A02, 0x2001, 0x2600, 0x2408, 0x2A01)) << 112
    low = rng.getrandbits(16) if rng.random() < 0.5 else rng.getrandbits(64)
    address = ipaddress.IPv6Address(prefix | rng.getrandbits(32) << 80 | low)
    return whole(str(address) if rng.random() < 0.7 else address.exploded)


def passport(rng: random.Random) -> Value:
    letters = string.ascii_uppercase
    forms = (
        rng.choice("EG") + digits(rng, 8),
        "E" + rng.choice("ABCDEFG") + digits(rng, 7),
        rng.choice(letters) + digits(rng, 8),
        digits(rng, 9),
        rng.choice("CFGHJK") + "".join(rng.choices("0123456789CFGHJKLMNPRTVWXYZ", k=7)) + digits(rng, 1),
    )
    return whole(rng.choice(forms))


def plate(rng: random.Random) -> Value:
    head = rng.choice(PROVINCES) + rng.choice(PLATE_LETTERS[:12])
    if rng.random() < 0.3:
        tail = rng.choice("DF") + digits(rng, 5)
    else:
        tail = "".join(rng.choices(PLATE_LETTERS + string.digits * 4, k=4)) + digits(rng, 1)
    return whole(head + rng.choice(("", "", "·")) + tail, (head, tail))
