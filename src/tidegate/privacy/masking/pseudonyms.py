"""Pseudonyms: what stands for a value in one conversation, and means nothing anywhere else.

`EMAIL_k7f2q9xw4m`: a word that tells the model what it is, and 50 bits of a keyed hash. ASCII letters, digits and one
underscore pass unchanged through JSON, URLs, source code and Markdown. Pure: randomness and time come in as arguments.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from tidegate.core.findings import Finding, Group

TAG_CHARACTERS = 10
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Five bits each; without l, o, 0 and 1, which people mix up."""
_KEY_BYTES = 32
MOST_CONVERSATIONS = 100_000
"""A key and its place take some 300 bytes."""

_BY_GROUP: dict[Group, str] = {
    "personal": "DATA",
    "secret": "KEY",
    "term": "TERM",
    "name": "NAME",
    "example": "TEXT",
    "unscannable": "FILE",
}
KINDS: dict[str, str] = {
    **{"SEN001": "CARD", "SEN002": "IBAN", "SEN003": "SSN", "SEN004": "ID", "SEN005": "COMPANY", "SEN006": "CARD"},
    **{"SEN007": "PHONE", "SEN008": "PHONE", "SEN009": "EMAIL", "SEN010": "IP", "SEN011": "IP", "SEN012": "IP"},
    **{"SEN013": "PASSPORT", "SEN014": "PLATE", "SEN015": "ACCOUNT", "SEN016": "BIRTHDATE", "SEN017": "ID"},
    **{"SEN018": "MAC", "SEN019": "ACCOUNT", "SEN086": "PLACE"},
    **{"SEN070": "PASSWORD", "SEN071": "PASSWORD", "SEN073": "PASSWORD"},
}
"""The word by the rule's code, where there is a better one than the group's."""


def kind_of(finding: Finding) -> str:
    return KINDS.get(finding.code) or _BY_GROUP[finding.group]


def _nowhere(pseudonym: str) -> bool:
    del pseudonym
    return False


class Coiner:
    """Coins the pseudonyms of one exchange. Equal keys and values give equal ones, from exchange to exchange."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._taken: dict[str, tuple[str, str]] = {}

    def pseudonym(self, kind: str, value: str, stands: Callable[[str], bool] = _nowhere) -> str:
        """`stands`: whether the request has this very text already. Then, and when it is taken, the next one is coined."""
        for attempt in range(1 << 16):
            coined = f"{kind}_{self._tag(kind, value, attempt)}"
            if self._taken.get(coined, (kind, value)) == (kind, value) and not stands(coined):
                self._taken[coined] = (kind, value)
                return coined
        raise AssertionError("every pseudonym stands in the request already")

    def _tag(self, kind: str, value: str, attempt: int) -> str:
        said = f"{attempt}\0{kind}\0{value}".encode("utf-8", "surrogatepass")
        bits = int.from_bytes(blake2b(said, key=self._key, digest_size=8).digest())
        return "".join(_ALPHABET[bits >> 5 * place & 31] for place in range(TAG_CHARACTERS))


class _Kept(NamedTuple):
    key: bytes
    used_s: float


class Vault:
    """One random key for each conversation, in memory only. Knows no value and no pseudonym.

    A conversation is a digest that says whose it is, too: equal digests mean one client and one conversation.
    """

    def __init__(self, random: Callable[[int], bytes], mask_s: float, most: int = MOST_CONVERSATIONS) -> None:
        self._random = random
        self._mask_s = mask_s
        self._most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        """In the order of their last use."""

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"Vault({len(self._kept)} conversations)"

    def adjust(self, mask_s: float) -> None:
        """Another time, for what is kept already too."""
        self._mask_s = mask_s

    def coiner(self, conversation: bytes, now_s: float) -> Coiner:
        self._forget(now_s)
        kept = self._kept.pop(conversation, None)
        key = self._random(_KEY_BYTES) if kept is None else kept.key
        self._kept[conversation] = _Kept(key, now_s)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return Coiner(key)

    def _forget(self, now_s: float) -> None:
        while self._kept:
            oldest = next(iter(self._kept))
            if now_s - self._kept[oldest].used_s < self._mask_s:
                return
            del self._kept[oldest]
