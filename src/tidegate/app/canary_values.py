"""Fresh fake secrets for one run of the canary: well formed, with right check digits, and never anybody's.

Each kind names the rule that has to find it and the word by which a row of the policy may speak of it. Values only: who
may have them stands in `canary_verdict`, where they are looked for in `canary_search`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom

from tidegate.config import Config
from tidegate.core.findings import Group

_HEX, _DIGITS, _LETTERS = "0123456789abcdef", "0123456789", "abcdefghijkmnpqrstuvwxyz"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_chance = SystemRandom()


@dataclass(frozen=True, slots=True)
class Kind:
    """`code` finds it ("" for what only a class protects); `around` holds `{}` where the value stands."""

    name: str
    code: str
    group: Group | None
    make: Callable[[], str] = field(repr=False)
    around: str = "note {} of it"
    label: str = ""
    """The operator's name for a term."""

    @property
    def tag(self) -> str:
        return f"{self.group}:{self.label}" if self.label else self.code


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """One value in one request. `is_fresh`: nobody else has it, so it is looked for everywhere; an operator's term is not."""

    value: str = field(repr=False)
    kind: Kind

    @property
    def is_fresh(self) -> bool:
        return not self.kind.label

    @property
    def text(self) -> str:
        return self.kind.around.format(self.value)


def some(alphabet: str, length: int) -> str:
    return "".join(_chance.choices(alphabet, k=length))


def plant(kind: Kind) -> Planted:
    return Planted(kind.make(), kind)


def _card() -> str:
    digits = "4" + some(_DIGITS, 14)
    total = sum(sum(divmod(int(one) * (2 - at % 2), 10)) for at, one in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _iban() -> str:
    account = some(_DIGITS, 18)
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def _resident() -> str:
    born = f"19{_chance.randint(50, 99)}{_chance.randint(1, 12):02}{_chance.randint(1, 28):02}"
    digits = f"110101{born}{some(_DIGITS, 3)}"
    total = sum(int(one) * weight for one, weight in zip(digits, _ID_WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


def _email() -> str:
    return f"{some(_LETTERS, 8)}.{some(_DIGITS, 4)}@post-fach.org"


def _phone() -> str:
    return f"+49 30 {some('23456789', 4)}{some(_DIGITS, 4)}"


def _deepseek() -> str:
    return "sk-" + some(_HEX, 32)


def _aws() -> str:
    return "AKIA" + some(_BASE32, 16)


def _jwt() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": some(_DIGITS, 12), "name": some(_LETTERS, 9)}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{some(_BASE64, 43)}"


def _pem() -> str:
    lines = "\n".join(some(_BASE64, 64) for _ in range(3))
    words = ("BEGIN", "END")
    first, last = (f"-----{word} PRIVATE KEY-----" for word in words)
    return f"{first}\n{lines}\n{last}"


def _password() -> str:
    return some(_BASE64, 10) + some(_DIGITS, 4)


def _word() -> str:
    return f"kanarie{some(_LETTERS, 6)}{some(_HEX, 10)}"


WORD = Kind("plain word", "", None, _word)
KINDS = (
    Kind("card", "SEN001", "personal", _card, "card number {}."),
    Kind("IBAN", "SEN002", "personal", _iban, "IBAN: {}, as before"),
    Kind("Chinese ID", "SEN004", "personal", _resident, "身份证号：{}。"),
    Kind("telephone", "SEN007", "personal", _phone, "call {} today"),
    Kind("e-mail", "SEN009", "personal", _email, "write to {} today"),
    Kind("private key", "SEN050", "secret", _pem, "the key:\n{}\n"),
    Kind("DeepSeek key", "SEN051", "secret", _deepseek, "use {} for it"),
    Kind("AWS key", "SEN060", "secret", _aws, "use {} for it"),
    Kind("JWT", "SEN068", "secret", _jwt, "send {} with it"),
    Kind("password", "SEN073", "secret", _password, 'password = "{}"'),
)


def kinds_of(config: Config) -> tuple[Kind, ...]:
    """All that can be planted: ours, and each of the operator's terms that are words. Patterns are nobody's to guess."""
    terms = [
        Kind(f"term {one.name}", "", "term", lambda said=one.terms[0]: said, "about {} we said", one.name)
        for one in config.privacy.terms
        if one.terms
    ]
    return (*KINDS, *terms)
