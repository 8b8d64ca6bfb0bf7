"""Which numbers mean what."""

from __future__ import annotations

import pytest

from tidegate.privacy import rules
from tidegate.privacy.rules import GROUPS, SENSITIVE


@pytest.mark.parametrize("code", [rule.code for rule in SENSITIVE])
def test_numbers_say_the_group(code: str) -> None:
    number = int(code[3:])
    if number < 80:
        assert GROUPS[code] == ("personal" if number < 50 else "secret")


def test_what_other_tiers_find_has_its_number() -> None:
    found = (rules.TERM, rules.PATTERN, rules.NAME, rules.PLACE, rules.EXAMPLE)
    assert found == ("SEN080", "SEN081", "SEN085", "SEN086", "SEN090")
    assert (rules.UNSCANNABLE, rules.FAILED, rules.TOO_SLOW) == ("SEN095", "SEN096", "SEN097")
