"""The options of resilience: their defaults, their bounds, and the names that other parts must know."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured


def test_the_defaults_ask_again_and_leave_a_broken_answer_broken() -> None:
    config = parse_config({})
    assert (config.retry.attempts, config.breaker.failures, config.streams.on_break) == (3, 3, "fail")
    assert (config.server.workers, config.alerts) == (1, ())


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"retry": {"attempts": 0}}, "retry.attempts"),
        ({"retry": {"jitter": 1.5}}, "retry.jitter"),
        ({"breaker": {"open_s": 0}}, "breaker.open_s"),
        ({"streams": {"on_break": "repeat"}}, "streams.on_break"),
        ({"watch": {"low_balance": -1}}, "watch.low_balance"),
        ({"alerts": [{"url": "http://a.example", "events": ["backend_gone"]}]}, "alerts"),
        ({"server": {"workers": 0}}, "server.workers"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(written: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        parse_config(written)
