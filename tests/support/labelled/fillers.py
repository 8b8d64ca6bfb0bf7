"""What stands around a value: names, dates, amounts, ids, and the numbers of the hard negatives.

All chance. Nothing here is private data; what looks like it is here to be left alone.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from stdnum import ean, luhn
from stdnum.cn import ric

from .keys import ALNUM, HEX, chars
from .numbers import COUNTIES, digits

NAMES_EN = ("Maria Keller", "Tom Baker", "Joy Okafor", "Ravi Menon", "Ana Novak")
NAMES_ZH = ("王芳", "李建国", "张晓明", "陈思雨", "赵磊")


def _moment(rng: random.Random) -> datetime:
    return datetime.fromtimestamp(rng.randint(1_600_000_000, 1_790_000_000), tz=UTC)


def _iso(rng: random.Random) -> str:
    form = rng.choice(("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f+00:00", "%Y-%m-%d %H:%M:%S,%f"))
    return _moment(rng).strftime(form)


def _wrong(rng: random.Random, length: int) -> str:
    while True:
        number = rng.choice("123456789") + digits(rng, length - 1)
        if not luhn.is_valid(number):
            return number


def _wrong_id(rng: random.Random) -> str:
    while True:
        number = (
            rng.choice(COUNTIES) + f"{rng.randint(1950, 2010)}0{rng.randint(1, 9)}1{rng.randint(0, 9)}" + digits(rng, 4)
        )
        if number[-1] != ric.calc_check_digit(number):
            return number


def _isbn(rng: random.Random) -> str:
    body = "978" + digits(rng, 9)
    check = ean.calc_check_digit(body)
    return rng.choice((body + check, f"978-{body[3]}-{body[4:7]}-{body[7:12]}-{check}"))


def _order(rng: random.Random, length: int) -> str:
    day = _moment(rng).strftime("%Y%m%d")
    return day + digits(rng, length - 8)


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


FILLERS: dict[str, Callable[[random.Random], str]] = {
    "date": lambda rng: _moment(rng).strftime(rng.choice(("%d %B %Y", "%Y-%m-%d", "%m/%d/%Y"))),
    "iso": _iso,
    "ts": lambda rng: _moment(rng).strftime("%b %d %H:%M:%S"),
    "money": lambda rng: f"{rng.randint(10, 9999):,}.{rng.randint(0, 99):02} " + rng.choice(("EUR", "USD", "CNY")),
    "money_n": lambda rng: f"{rng.randint(10, 99999)}.{rng.randint(0, 99):02}",
    "order": lambda rng: rng.choice(("PO-", "INV-", "R", "#")) + digits(rng, 6),
    "n": lambda rng: str(rng.randint(2, 9999)),
    "d": lambda rng: str(rng.randint(1, 9)),
    "q": lambda _: '"',
    "port": lambda rng: str(rng.randint(1024, 9999)),
    "micro": lambda rng: digits(rng, 6),
    "six": lambda rng: digits(rng, 6),
    "nine": lambda rng: digits(rng, 9),
    "order16": lambda rng: _order(rng, 16),
    "order18": lambda rng: _order(rng, 18),
    "amazon": lambda rng: f"1{digits(rng, 2)}-{digits(rng, 7)}-{digits(rng, 7)}",
    "epoch": lambda rng: str(rng.randint(1_600_000_000, 1_790_000_000)),
    "epoch_ms": lambda rng: str(rng.randint(1_600_000_000_000, 1_790_000_000_000)),
    "epoch_ns": lambda rng: str(rng.randint(16 * 10**17, 179 * 10**16)),
    "sha256": lambda rng: chars(rng, HEX, 64),
    "md5": lambda rng: chars(rng, HEX, 32),
    "git": lambda rng: chars(rng, HEX, 40),
    "git7": lambda rng: chars(rng, HEX, 7),
    "uuid": _uuid,
    "semver": lambda rng: f"{rng.randint(0, 12)}.{rng.randint(0, 40)}.{rng.randint(0, 20)}",
    "ver4": lambda rng: f"{rng.randint(1, 12)}.{rng.randint(0, 40)}.{rng.randint(0, 20)}.{rng.randint(0, 99)}",
    "chrome": lambda rng: f"{rng.randint(100, 140)}.0.{rng.randint(4000, 7000)}.{rng.randint(50, 200)}",
    "arxiv": lambda rng: f"{rng.randint(15, 26)}{rng.randint(1, 12):02}.{rng.randint(1, 19999):05}",
    "float": lambda rng: f"{rng.random() * rng.choice((1, 10, 100)):.{rng.randint(6, 16)}f}",
    "coords": lambda rng: f"{rng.uniform(-90, 90):.7f}, {rng.uniform(-180, 180):.7f}",
    "isbn": _isbn,
    "issn": lambda rng: f"{digits(rng, 4)}-{digits(rng, 4)}",
    "b64": lambda rng: "iVBORw0KGgo" + chars(rng, ALNUM + "+/", rng.randint(200, 900)) + "==",
    "b64short": lambda rng: chars(rng, ALNUM + "+/", 86),
    "wrongluhn": lambda rng: _wrong(rng, rng.choice((13, 14, 15, 16, 17))),
    "wrong19": lambda rng: _wrong(rng, 19),
    "wrongid": _wrong_id,
    "ups": lambda rng: "1Z" + chars(rng, string.ascii_uppercase + string.digits, 6) + digits(rng, 10),
    "usps": lambda rng: "94" + digits(rng, 20),
    "fedex": lambda rng: f"77{digits(rng, 2)} {digits(rng, 4)} {digits(rng, 4)}",
    "sf": lambda rng: digits(rng, 13),
}


def name(rng: random.Random, language: str) -> str:
    return rng.choice(NAMES_ZH if language == "zh" else NAMES_EN)
