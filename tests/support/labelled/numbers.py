"""Numbers with check digits: payment and bank cards, IBAN, US SSN, Chinese resident ID and company code.

Made from a seeded generator; prefixes are those of real schemes, the rest is chance.
"""

from __future__ import annotations

import random
import string

from stdnum import iban as stdnum_iban
from stdnum import luhn
from stdnum.cn import ric, uscc

from .values import Value, whole

# Prefixes and lengths: ISO/IEC 7812 issuers as listed by the schemes.
BRANDS: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (("4",), (16, 16, 13, 19)),
    (("51", "52", "53", "54", "55", "2221", "2345", "2720"), (16,)),
    (("34", "37"), (15,)),
    (("300", "305", "36", "38"), (14,)),
    (("6011", "644", "65"), (16,)),
    (("3528", "3541", "3589"), (16,)),
    (("5018", "5020", "5038", "6304", "6759", "6761", "6763"), (12, 13, 16, 18, 19)),
    (("2200", "2204"), (16,)),
)
CHINESE_BANKS = ("622202", "621700", "622848", "621661", "622588", "622908", "621226", "623052")
# Country: kinds of characters of the account part (n digit, a letter, c either), from the IBAN registry.
IBANS = {
    "DE": "n18",
    "GB": "a4n14",
    "FR": "n10c11n2",
    "NL": "a4n10",
    "ES": "n20",
    "IT": "a1n10c12",
    "CH": "n5c12",
    "PL": "n24",
    "NO": "n11",
    "MT": "a4n5c18",
    "SA": "n2c18",
    "AE": "n19",
    "SE": "n20",
    "AT": "n16",
    "PT": "n21",
}
COUNTIES = ("110101", "310104", "440305", "330106", "510107", "420106", "320102", "610113", "370202", "120101")
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _with_luhn(rng: random.Random, prefix: str, length: int) -> str:
    body = prefix + digits(rng, length - len(prefix) - 1)
    return body + luhn.calc_check_digit(body)


def _fours(number: str) -> tuple[str, ...]:
    return tuple(number[at : at + 4] for at in range(0, len(number), 4))


def card(rng: random.Random) -> Value:
    prefixes, lengths = rng.choice(BRANDS)
    number = _with_luhn(rng, rng.choice(prefixes), rng.choice(lengths))
    groups = (number[:4], number[4:10], number[10:]) if len(number) in (14, 15) else _fours(number)
    return whole(rng.choice((number, " ".join(groups), "-".join(groups))), groups)


def bank_card(rng: random.Random) -> Value:
    number = _with_luhn(rng, rng.choice(CHINESE_BANKS), rng.choice((16, 19, 19, 19)))
    groups = _fours(number)
    return whole(rng.choice((number, number, " ".join(groups))), groups)


def _account(rng: random.Random, structure: str) -> str:
    alphabets = {"n": string.digits, "a": string.ascii_uppercase, "c": string.ascii_uppercase + string.digits * 3}
    parts: list[str] = []
    at = 0
    while at < len(structure):
        stop = at + 1
        while stop < len(structure) and structure[stop].isdigit():
            stop += 1
        parts += rng.choices(alphabets[structure[at]], k=int(structure[at + 1 : stop]))
        at = stop
    return "".join(parts)


def iban(rng: random.Random) -> Value:
    country = rng.choice(sorted(IBANS))
    while True:  # some countries have check digits of their own within the account
        account = _account(rng, IBANS[country])
        number = country + stdnum_iban.calc_check_digits(f"{country}00{account}") + account
        if stdnum_iban.is_valid(number):
            break
    groups = _fours(number)
    return whole(rng.choice((number, " ".join(groups))), groups)


def ssn(rng: random.Random) -> Value:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    groups = (f"{area:03}", f"{rng.randint(1, 99):02}", f"{rng.randint(1, 9999):04}")
    return whole("-".join(groups), groups)


def resident_id(rng: random.Random) -> Value:
    birth = f"{rng.randint(1950, 2015)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = rng.choice(COUNTIES) + birth + digits(rng, 3)
    number = body + ric.calc_check_digit(body + "0")  # counties as of today: people are older than their county's code
    return whole(number, (number[:6], number[6:14], number[14:]))


def company_code(rng: random.Random) -> Value:
    body = rng.choice(("91", "92", "93", "12", "52")) + rng.choice(COUNTIES)
    body += "".join(rng.choices(USCC_ALPHABET, k=9))
    number = body + uscc.calc_check_digit(body)
    assert uscc.is_valid(number)
    return whole(number, (number[:2], number[2:8], number[8:17], number[17:]))
