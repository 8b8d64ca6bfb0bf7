"""All the ways in which a planted value could stand in bytes, to look for each of them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus


def forms(value: str) -> dict[str, bytes]:
    """By name: the value as it is and as formats, logs and careless code would write it."""
    plain = value.encode()
    found = {
        "plain": plain,
        "JSON": json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        "JSON in ASCII": json.dumps(value)[1:-1].encode(),
        "JSON in JSON": json.dumps(json.dumps(value)[1:-1])[1:-1].encode(),
        "every character escaped": "".join(f"\\u{ord(one):04x}" for one in value if ord(one) < 65536).encode(),
        "repr of bytes": repr(plain)[2:-1].encode(),
        "percent": quote(value, safe="").encode(),
        "form": quote_plus(value).encode(),
        "hex": plain.hex().encode(),
        "UTF-16": value.encode("utf-16-le"),
        "full width": "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in value).encode(),
        "reversed": value[::-1].encode(),
    }
    for shift in range(3):
        # Inside a longer text the value can begin at any of three places of a base64 group; its ends are not its own.
        coded = base64.b64encode(bytes(shift) + plain)[4 if shift else 0 :]
        found[f"base64 at {shift}"] = coded[: -4 if len(plain) > 9 else None]
    return found


def traces(value: str, data: bytes) -> list[str]:
    """The forms in which the value stands in these bytes."""
    return [name for name, form in forms(value).items() if form in data]
