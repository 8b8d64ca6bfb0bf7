"""The numbered rules of detection: what can be found in a text, and how a find is recognised.

Groups are what the policy speaks of: `personal`, `secret`, `term`, `name`, `example`, `unscannable`.
"""

from __future__ import annotations

from tidegate.privacy import secret_rules
from tidegate.privacy.rulebook import GROUPS, SENSITIVE, define

__all__ = ["GROUPS", "SENSITIVE"]
SECRETS = secret_rules
"""Their half of the book, SEN050 to SEN079; named here so that whoever has the book has all of it."""


def _personal(number: int, title: str, why: str, source: str) -> str:
    return define(f"SEN{number:03}", "personal", title, why, source).code


CARD = _personal(
    1,
    "payment card number",
    "12 to 19 digits with a right Luhn digit that begin and are as long as an issuer's numbers do, or stand behind a cue "
    "word; grouped as printed on cards, or digit by digit.",
    "ISO/IEC 7812-1:2017, annex B (Luhn); issuers' published number ranges",
)
IBAN = _personal(
    2,
    "IBAN",
    "A country's prefix, that country's length, and remainder 1 modulo 97; in any groups, also one by one.",
    "ISO 13616-1:2020; SWIFT IBAN Registry",
)
SSN = _personal(
    3,
    "US social security number",
    "Three, two and four digits in groups, none of an area, group or serial that was never given; without groups, or "
    "where a line cut them, only beside a cue word.",
    "US Social Security Administration, POMS RM 10201.030 and randomization FAQ",
)
CN_ID = _personal(
    4,
    "Chinese resident identity number",
    "18 characters with a date of birth and a right check character, or with a wrong one behind a cue word; the old 15 "
    "digits only behind a cue word.",
    "GB 11643-1999",
)
USCC = _personal(
    5,
    "Chinese unified social credit code",
    "18 characters of its alphabet with a right check character; in groups only such as people write, or cut by a line's "
    "end, and with a letter or behind a cue word. It is a company's; a sole trader's is a person's.",
    "GB 32100-2015",
)
BANK_CARD = _personal(
    6,
    "Chinese bank card or account number",
    "16 to 19 digits that begin with 62 and have a right Luhn digit, or stand behind a cue word such as 银行卡号.",
    "JR/T 0008-2000 (bank card numbers); ISO/IEC 7812-1:2017",
)
PHONE = _personal(
    7,
    "telephone number",
    "Written internationally and possible in that country, grouped as numbers are at home, or behind a cue word.",
    "ITU-T E.164 and E.123; libphonenumber's metadata",
)
CN_PHONE = _personal(
    8,
    "Chinese telephone number",
    "11 digits of a mobile number (13 to 19), or an area code of 010, 02x or 0xxx and a subscriber's number.",
    "Chinese numbering plan (MIIT 2017, Telecommunications network numbering plan)",
)
EMAIL = _personal(
    9,
    "e-mail address",
    "A mailbox and a domain; also with (at) and (dot) spelled out. Reserved domains such as example.com count too: "
    "a sample cannot be told from a test of this rule, and nothing is lost by keeping it.",
    "RFC 5321, section 4.1.2; RFC 1035",
)
IPV4 = _personal(
    10,
    "public IPv4 address",
    "Four numbers of a public network. Loopback, unspecified, link-local, multicast and documentation addresses are none; "
    "private networks have a rule of their own.",
    "RFC 791; RFC 5737; IANA IPv4 Special-Purpose Address Registry",
)
IPV6 = _personal(
    11,
    "public IPv6 address",
    "A full or shortened address of a public network; never loopback, unspecified, link-local or 2001:db8::/32.",
    "RFC 4291; RFC 3849; RFC 5952",
)
PRIVATE_IP = _personal(
    12,
    "address in a private network",
    "It says how a network is built inside. What routers and containers come with (192.168.0.1, 10.0.0.1, ...) and whole "
    "networks (10.0.0.0/8) say nothing and are none.",
    "RFC 1918; RFC 4193; RFC 6598",
)
PASSPORT = _personal(
    13,
    "passport or travel permit number",
    "Behind a cue word such as passport or 护照, also on another line where it has the form of a passport's number, or with "
    "the word behind it; or a machine-readable zone, which needs none.",
    "ICAO Doc 9303, parts 3 and 4",
)
PLATE = _personal(
    14,
    "licence plate",
    "A Chinese plate by its province and shape; any other behind a cue word.",
    "GA 36-2018 (number plates of motor vehicles)",
)
MESSENGER = _personal(
    15,
    "WeChat or QQ account",
    "Behind a cue word such as 微信号: 6 to 20 characters that begin with a letter, or a QQ number.",
    "WeChat help centre, rules for WeChat IDs",
)
BIRTH = _personal(
    16,
    "date of birth",
    "A full date behind a cue word such as born, DOB or 出生日期.",
    "Regulation (EU) 2016/679, article 4 (1); NIST SP 800-122, section 2.2",
)
TAX_ID = _personal(
    17,
    "national identity or tax number",
    "Its country's check digits are right, and its shape is rare or a cue word stands before it.",
    "python-stdnum's modules, each naming its authority",
)
MAC = _personal(
    18,
    "hardware address of a network card",
    "Six pairs of hexadecimal digits; it names one device for good.",
    "IEEE 802-2014, clause 8; WP29 opinion 9/2014",
)
ACCOUNT = _personal(
    19,
    "bank account or routing number",
    "6 to 17 digits behind a cue word such as account number.",
    "NIST SP 800-122, section 2.2",
)
TERM = define(
    "SEN080",
    "term",
    "one of your words",
    "`[[privacy.terms]] terms` lists it; in any case, not inside a longer word.",
    "your configuration",
).code
PATTERN = define(
    "SEN081",
    "term",
    "one of your patterns",
    "`[[privacy.terms]] patterns` lists one that matches.",
    "your configuration",
).code
NAME = define(
    "SEN085",
    "name",
    "person's name",
    "The second, slower look says that these words name a person; it can be wrong in both directions.",
    "Presidio with spaCy, jieba; measured in benchmarks/privacy.py",
).code
PLACE = define(
    "SEN086",
    "name",
    "place or address",
    "The second, slower look says that these words name a place; it can be wrong in both directions.",
    "Presidio with spaCy, jieba; measured in benchmarks/privacy.py",
).code
EXAMPLE = define(
    "SEN090",
    "example",
    "close to one of your examples",
    "`[[privacy.examples]]` holds texts that this one is as similar to as its threshold asks.",
    "your configuration",
).code
UNSCANNABLE = define(
    "SEN095",
    "unscannable",
    "a part that cannot be looked into",
    "An image, a file or an unknown part may hold anything: nobody looked, and that must not read as clean.",
    "Tidegate design, boundaries and classes, 2026-11-23",
).code
FAILED = define(
    "SEN096",
    "unscannable",
    "detection failed",
    "A detector stopped with an error, so nobody knows what the text holds; the request is private.",
    "BerriAI/litellm PR #31062: a scanner's error let raw data out, 2026-09",
).code
TOO_SLOW = define(
    "SEN097",
    "unscannable",
    "detection took longer than its budget",
    "What was not looked at in time (`[privacy] budget_s`, `slow_budget_s`) counts as private.",
    "Tidegate design, boundaries and classes, 2026-11-23",
).code
