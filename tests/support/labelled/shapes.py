"""How one value is written in other ways: separators, full-width, odd spacing, split over lines, escaped.

The label moves with the value. Nothing here knows the detectors.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from .values import Value, whole

NBSP = "\u00a0"
SEPARATORS = {"spaces": " ", "dashes": "-", "dots": ".", "nbsp": NBSP}
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def separated(value: Value, separator: str) -> Value:
    return whole(separator.join(value.groups), value.groups)


def wide(value: Value) -> Value:
    """Full-width forms, as Chinese input methods type them."""
    return Value(value.text.translate(WIDE), value.start, value.end)


def wide_at(value: Value) -> Value:
    return whole(value.text.replace("@", "＠"))


def spaced(value: Value, rng: random.Random) -> Value:
    """Spacing that hides a value from a simple pattern: each character apart, or groups at odd distances."""
    bare = "".join(value.groups)
    if rng.random() < 0.5:
        return whole(" ".join(bare))
    return whole((" " * rng.randint(2, 3)).join(value.groups))


def spaced_phone(value: Value, rng: random.Random) -> Value:
    joint = rng.choice((" - ", "  ", " . ", "- "))
    return whole(joint.join(value.groups))


def spaced_email(value: Value, rng: random.Random) -> Value:
    local, _, domain = value.text.partition("@")
    forms = (
        f"{local} @ {domain}",
        f"{local} (at) {domain}",
        f"{local}[at]{domain.replace('.', '[dot]')}",
        f"{local} @{domain}",
    )
    return whole(rng.choice(forms))


def split_lines(value: Value, rng: random.Random) -> Value:
    """As a mail or a terminal wraps it: between groups, with what the next line begins with."""
    at = rng.randint(1, len(value.groups) - 1)
    joint = rng.choice(("", " ", "-"))
    begin = rng.choice(("\n", "\n", "\n    ", "\r\n"))
    return whole(
        joint.join(value.groups[:at]) + (joint if joint == "-" else "") + begin + joint.join(value.groups[at:])
    )


def split_dots(value: Value, rng: random.Random) -> Value:
    """A token of three parts that is wrapped behind a dot."""
    at = rng.randint(1, 2)
    return whole(".".join(value.groups[:at]) + ".\n" + ".".join(value.groups[at:]))


def _through(value: Value, change: Callable[[str], str]) -> Value:
    before, secret, after = (
        change(part)
        for part in (value.text[: value.start], value.text[value.start : value.end], value.text[value.end :])
    )
    return Value(before + secret + after, len(before), len(before) + len(secret))


def escaped(value: Value) -> Value:
    """Within quotes of JSON or code: line breaks as two characters."""
    return _through(value, lambda part: part.replace("\r", "\\r").replace("\n", "\\n"))


def indented(value: Value) -> Value:
    return _through(value, lambda part: part.replace("\n", "\n    "))
