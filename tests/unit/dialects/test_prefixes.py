"""A prefix on an endpoint that continues it: sent without its flag, refused where its thought would be lost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import request

from tidegate.core.errors import NotSupported
from tidegate.core.rulebook import Rulebook
from tidegate.dialects.prefixes import continuing

RULE = Rulebook("TST", "Tests").rule("TST001", "continued", why="a test", source="this file", checked="2026-11-24")


def asked(**last: Any) -> Any:
    return request(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sky", **last}])


def test_a_prefix_loses_its_flag_and_gets_its_switches():
    rule, apply = continuing(RULE, {"continue_final_message": True})
    fields: dict[str, Any] = {
        "messages": [{"role": "user"}, {"role": "assistant", "content": "The sky", "prefix": True}]
    }
    assert (rule, apply(asked(prefix=True), fields)) == (RULE, True)
    assert fields == {
        "messages": [{"role": "user"}, {"role": "assistant", "content": "The sky"}],
        "continue_final_message": True,
    }


def test_a_turn_without_the_flag_is_left_alone():
    fields: dict[str, Any] = {"messages": [{}]}
    assert not continuing(RULE, {"x": 1})[1](asked(), fields)
    assert fields == {"messages": [{}]}


def test_a_thought_beside_it_is_refused():
    with pytest.raises(NotSupported, match=r"reasoning_content.*TST001"):
        continuing(RULE, {})[1](asked(prefix=True, reasoning_content="R"), {"messages": [{}]})
