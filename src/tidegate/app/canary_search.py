"""Looks for planted values in bytes: as they stand, escaped, encoded, and without what separates their characters.

One pass for all values, by the first bytes of every form, so that a run's thousands of values and megabytes of files take
less than a second. Says which values are there, never prints one. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

from tidegate.app.canary_values import Planted

_HEAD = 6
"""Bytes by which a form is looked up; what is shorter is too short to be told from chance."""
_SEPARATORS = bytes(range(0x30)) + b":;<=>?@[\\]^_`{|}~\x7f"
_UPPER = bytes(range(0x41, 0x5B))
_LOWERED = bytes.maketrans(_UPPER, _UPPER.lower())
_WHOLE_GROUP, _LAST_GROUP = 4, -4


def forms(value: str) -> tuple[bytes, ...]:
    """The value as formats, logs and careless code would write it."""
    plain = value.encode()
    found = [
        plain,
        json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        json.dumps(value)[1:-1].encode(),
        json.dumps(json.dumps(value)[1:-1])[1:-1].encode(),
        "".join(f"\\u{ord(one):04x}" for one in value).encode(),
        "".join(f"\\u{ord(one):04X}" for one in value).encode(),
        repr(value)[1:-1].encode(),
        quote(value, safe="").encode(),
        quote_plus(value).encode(),
        "".join(f"%{one:02X}" for one in plain).encode(),
        plain.hex().encode(),
    ]
    for shift in range(3):
        # Inside a longer text it can begin at any of the three places of a base64 group; its last group is not its own.
        coded = base64.b64encode(bytes(shift) + plain)[_WHOLE_GROUP if shift else 0 : _LAST_GROUP]
        found += (coded, coded.replace(b"+", b"-").replace(b"/", b"_"))
    return tuple(dict.fromkeys(form for form in found if len(form) >= _HEAD))


def bare(data: bytes) -> bytes:
    """Without separators and in lower case: `4111 1111` and `4111-1111` are one number."""
    return data.translate(_LOWERED, _SEPARATORS)


class Search:
    """Knows values, and says which of them are in some bytes."""

    def __init__(self, values: Iterable[Planted] = ()) -> None:
        self._heads: dict[bytes, list[tuple[bytes, Planted]]] = {}
        self._bare: dict[bytes, list[tuple[bytes, Planted]]] = {}
        self.add(values)

    def add(self, values: Iterable[Planted]) -> None:
        for one in values:
            for form in forms(one.value):
                self._heads.setdefault(form[:_HEAD], []).append((form, one))
            without = bare(one.value.encode())
            if len(without) >= _HEAD:
                self._bare.setdefault(without[:_HEAD], []).append((without, one))

    def found(self, data: bytes) -> list[Planted]:
        """Each once, in no order."""
        seen: dict[int, Planted] = {}
        for heads, text in ((self._heads, data), (self._bare, bare(data))):
            for at in _places(heads, text):
                for form, one in heads[text[at : at + _HEAD]]:
                    if text.startswith(form, at):
                        seen[id(one)] = one
        return list(seen.values())


def _places(heads: dict[bytes, list[tuple[bytes, Planted]]], text: bytes) -> Iterable[int]:
    known: Callable[[bytes], bool] = heads.__contains__
    return (at for at in range(len(text) - _HEAD + 1) if known(text[at : at + _HEAD]))
