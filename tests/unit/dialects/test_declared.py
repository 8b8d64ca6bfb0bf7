"""Every local dialect says of every feature how it is had, by a rule that exists; and what it says is what it does."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import NotSupported
from tidegate.core.profile import Fact, Feature
from tidegate.core.requests import FimRequest, Request
from tidegate.core.rulebook import Rulebook
from tidegate.dialects import DIALECTS, RULEBOOKS
from tidegate.dialects.base import Dialect
from tidegate.dialects.declared import declared, emulated, native, refused, unknown

LOCAL = [one for one in DIALECTS if one.name != "deepseek"]
OFF: dict[str, Any] = {"type": "disabled"}
USER = {"role": "user", "content": "Hi"}
ASKED: dict[Feature, Request] = {
    "thinking_off": request(thinking=OFF),
    "json": request(response_format={"type": "json_object"}),
    "tools": request(tools=[WEATHER]),
    "forced_tools": request(tools=[WEATHER], tool_choice="required", thinking=OFF),
    "prefix": request(messages=[USER, {"role": "assistant", "content": "The", "prefix": True}]),
    "fim": FimRequest(model="auto", prompt="a", suffix="b"),
}
RULE = Rulebook("AAA", "A").rule("AAA001", "t", why="w", source="s", checked="2026-11-24")


def test_a_fact_has_its_rules_code_and_date():
    facts = declared(
        "1.0",
        thinking_off=unknown(RULE),
        json=native(RULE),
        tools=emulated(RULE),
        forced_tools=refused(RULE),
        prefix=native(RULE),
        fim=refused(RULE),
    )
    assert tuple(fact.feature for fact in facts) == get_args(Feature)
    assert facts[:4] == (
        Fact("thinking_off", None, "unknown", "AAA001", "1.0", "2026-11-24"),
        Fact("json", "native", "declared", "AAA001", "1.0", "2026-11-24"),
        Fact("tools", "emulated", "declared", "AAA001", "1.0", "2026-11-24"),
        Fact("forced_tools", "refused", "declared", "AAA001", "1.0", "2026-11-24"),
    )


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_a_dialect_declares_each_feature_once_by_a_rule_that_exists(dialect: Dialect) -> None:
    codes = {rule.code for book in RULEBOOKS for rule in book}
    assert [fact.feature for fact in dialect.declares] == list(get_args(Feature))
    assert {fact.code for fact in dialect.declares} <= codes


@pytest.mark.parametrize("feature", ASKED)
@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_what_is_declared_to_be_refused_is_refused_and_nothing_else(dialect: Dialect, feature: Feature) -> None:
    fact = next(fact for fact in dialect.declares if fact.feature == feature)
    if fact.way == "refused":
        with pytest.raises(NotSupported, match=fact.code):
            dialect.encode(ASKED[feature], "m")
    else:
        quirks = dialect.encode(ASKED[feature], "m").quirks
        assert fact.way != "emulated" or fact.code in quirks, "an emulation is reported"
