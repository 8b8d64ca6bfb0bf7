"""What becomes of an answer that breaks off, from the configuration to the policy."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.enforce import endpoint_of, policy_of
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured
from tidegate.routing.policy import Policy

HOME = {"kind": "llamacpp", "base_url": "http://127.0.0.1:8000"}


def policy(**written: Any) -> Policy:
    alone = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "backends": {"home": HOME}}
    config = parse_config({**alone, **written})
    return policy_of(config, {name: endpoint_of(name, one, {}) for name, one in config.backends.items()})


def test_it_is_taken_over_and_an_alias_may_have_its_own() -> None:
    aliases = {"plain": {"targets": ["home"]}, "own": {"targets": ["home"], "on_break": "fail"}}
    made = policy(streams={"on_break": "continue"}, aliases=aliases)
    assert (made.on_break, [one.on_break for one in made.aliases.values()]) == ("continue", [None, "fail"])
    assert policy().on_break == "fail"


def test_an_alias_that_answers_each_cannot_be_continued() -> None:
    both = {"targets": ["home"], "answers": "each", "on_break": "continue"}
    with pytest.raises(Misconfigured, match=r'\[aliases\.both\] on_break = "continue" cannot be had'):
        policy(aliases={"both": both})
