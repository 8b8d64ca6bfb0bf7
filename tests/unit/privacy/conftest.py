"""What a scanner without terms finds, as pairs of rule and value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tidegate.privacy.patterns.scanner import Scanner

Finds = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture(scope="session")
def finds(scanner: Scanner) -> Finds:
    def look(text: str) -> list[tuple[str, str]]:
        return [(found.code, text[found.start : found.end]) for found in scanner.scan(text)]

    return look
