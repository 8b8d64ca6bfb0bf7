"""Which rule is about which feature: every code of every dialect is sorted here once, so that none is forgotten.

A rule that changes no feature (how sampling is made plain, that a field is not passed on) is sorted as `always`.
"""

from __future__ import annotations

ALWAYS = "always"
CONCERNS: dict[str, tuple[str, ...]] = {}


def concerning(column: str) -> frozenset[str]:
    return frozenset(code for code, columns in CONCERNS.items() if column in columns)
