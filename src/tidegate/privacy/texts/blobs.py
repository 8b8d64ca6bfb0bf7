"""Data in a text's clothes: base64 and data URLs, whose content cannot be looked into as text. Pure.

Reads a few characters of every 128, so that a long prompt costs little.
"""

from __future__ import annotations

import re

_STRIDE = 128
"""Base64 of 256 characters or more surely fills one stretch of this length."""
_DATA_URL = re.compile(r";base64,\s*[A-Za-z0-9+/_-]{16}", re.IGNORECASE)
"""One without base64 can be read, and one with less holds nothing that a rule looks for."""
_RUN = re.compile(r"[A-Za-z0-9+/_=-]*(?:(?:\r?\n|\\n|\\r\\n)[A-Za-z0-9+/_=-]{48,})*")
"""One line without an end, or lines that are all long: a list of words is not data."""


def holds_blob(text: str) -> bool:
    """Whether there is a data URL, or base64 (or hex) longer than a key or a digest is."""
    if (";base64," in text or ";BASE64," in text) and _DATA_URL.search(text) is not None:
        return True
    for at in range(0, len(text) - _STRIDE + 1, _STRIDE):
        stretch = text[at : at + _STRIDE]
        if " " not in stretch and _is_data(text, at, stretch):
            return True
    return False


def _is_data(text: str, at: int, stretch: str) -> bool:
    run = _RUN.match(text, at, at + 2 * _STRIDE)  # not to the end of a run: a long one would be read again and again
    if run is None or run.end() - at < _STRIDE:
        return False
    return any(char.isdigit() for char in stretch) and any(char.isalpha() for char in stretch)


def visible(text: str) -> str:
    """What can be read of a member that may be data: all of a text, the head of a data URL, nothing of base64."""
    if not holds_blob(text):
        return text
    return text.partition(",")[0] if text[:5].lower() == "data:" else ""
