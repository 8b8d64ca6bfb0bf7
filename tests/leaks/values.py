"""What is planted: values that nobody else has, of the kinds that detection knows, and words that only their class protects.

Made from a seeded `random.Random`, with right check digits, so that a failure can be played again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from random import Random

from tests.support.canaries import forms

TERM = "Nordlicht-Akte"
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_HEX, _BASE32, _DIGITS = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789"


@dataclass(frozen=True)
class Planted:
    """`tag` is the word by which a policy's row may speak of it; None: no detection can know it. `text` is what is
    written; the value is all of it, or the part that must not be known."""

    value: str
    kind: str
    tag: str | None
    text: str

    @cached_property
    def forms(self) -> tuple[bytes, ...]:
        return tuple(forms(self.value).values())

    @property
    def is_unique(self) -> bool:
        return self.kind != "term"

    def is_in(self, data: bytes) -> bool:
        """In any form that bytes can have it in; escapes that somebody mixed with plain characters are undone first."""
        if any(form in data for form in self.forms):
            return True
        return b"\\u" in data and self.value in unescaped(data)


def unescaped(data: bytes) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), data.decode(errors="replace"))


def _some(random: Random, alphabet: str, length: int) -> str:
    return "".join(random.choices(alphabet, k=length))


def _luhn(digits: str) -> str:
    total = sum(sum(divmod(int(one) * (2 - at % 2), 10)) for at, one in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _card(random: Random) -> str:
    return _luhn("4" + _some(random, _DIGITS, 14))


def _iban(random: Random) -> str:
    account = _some(random, _DIGITS, 18)
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def _resident(random: Random) -> str:
    born = f"19{random.randint(50, 99)}{random.randint(1, 12):02}{random.randint(1, 28):02}"
    digits = f"110101{born}{random.randint(0, 999):03}"
    total = sum(int(one) * weight for one, weight in zip(digits, _RESIDENT_WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _email(random: Random) -> str:
    return f"{_some(random, 'abcdefghijkmnpqrstuvwxyz', 9)}.{_some(random, _DIGITS, 4)}@post-fach.org"


def _mobile(random: Random) -> str:
    return f"1{random.choice('3578')}{_some(random, _DIGITS, 9)}"


def _key(random: Random) -> str:
    return "sk-" + _some(random, _HEX, 32)


def _aws(random: Random) -> str:
    return "AKIA" + _some(random, _BASE32, 16)


def _password(random: Random) -> str:
    return _some(random, _HEX, 14)


def _term(_random: Random) -> str:
    return TERM


def _word(random: Random) -> str:
    return f"zq-{_some(random, _HEX, 12)}-geheim"


_KINDS = {
    "card": (_card, "personal"),
    "iban": (_iban, "personal"),
    "resident id": (_resident, "personal"),
    "e-mail": (_email, "personal"),
    "mobile": (_mobile, "personal"),
    "DeepSeek key": (_key, "secret"),
    "AWS key": (_aws, "secret"),
    "password": (_password, "secret"),
    "term": (_term, "term"),
    "word": (_word, None),
}
KINDS = tuple(_KINDS)
CUES = {
    "card": "card number",
    "mobile": "手机号",
    "resident id": "身份证号",
    "iban": "IBAN",
    "e-mail": "write to",
    "term": "the file",
}


def planted(random: Random, kind: str) -> Planted:
    make, tag = _KINDS[kind]
    value = make(random)
    text = f"postgres://clerk:{value}@db.intern:5432/files" if kind == "password" else value
    return Planted(value, kind, tag, text)


def written(random: Random, one: Planted) -> str:
    """The value with words around it, some of them glued to it and Chinese."""
    cue = CUES.get(one.kind, "note")
    return random.choice((f"{cue} {one.text}.", f"{cue}: {one.text}, as before", f"{cue}（{one.text}）请保存"))


def escaped(text: str) -> str:
    """As JSON with every character of it escaped."""
    return "".join(f"\\u{ord(one):04x}" for one in text)
