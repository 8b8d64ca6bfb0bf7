"""The parts that look at requests, from the configuration: terms, the switch, and conversations of before the start."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from tests.support.samples import request

from tidegate.app.screening import conversations_of, scanner_of, screening_of
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured
from tidegate.core.exchange import Exchange
from tidegate.privacy.masking.pseudonyms import Vault
from tidegate.routing.policy import Ask, Policy


def scanner(**privacy: Any) -> Any:
    return scanner_of(parse_config({"privacy": privacy}))


def test_your_own_terms_are_looked_for_and_the_switch_switches_off() -> None:
    found = scanner(terms=[{"name": "falcon", "terms": ["Project Falcon"]}]).scan("about project falcon")
    assert [one.tag for one in found] == ["term:falcon"]
    assert scanner(detect=False) is None


def test_a_pattern_that_cannot_be_used_names_its_place() -> None:
    with pytest.raises(Misconfigured, match=r"\[\[privacy.terms\]\] bad"):
        scanner(terms=[{"name": "bad", "patterns": ["(unclosed"]}])


async def test_conversations_of_before_the_start_are_known_with_the_ledgers_salt() -> None:
    config, asked = parse_config({}), request(messages=[{"role": "user", "content": "q" * 80}])

    def made(salt: bytes, marks: list[tuple[str, float]]) -> Any:
        known = conversations_of(salt, config.privacy.sticky_s, marks)
        return screening_of(
            config, Policy(), scanner=None, slow=None, conversations=known, vault=Vault(os.urandom, 9.0)
        )

    marks = made(b"salt", [])._conversations.marks("a", None, asked)
    for salt, known in ((b"salt", True), (b"other", False)):
        one = made(salt, [(mark, time.time()) for mark in marks])
        screened = await one.screen(Exchange("ex_1", "test", 0.0, client="a"), Ask("auto"), asked, None)
        assert screened.ask.was_private is known
