"""A key as it is asked for: what is taken, what is refused by the name of its field, and what is kept of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import json

from tidegate.core.boundary import DataClass
from tidegate.core.errors import WrongShape
from tidegate.core.terms import Terms
from tidegate.keys.order import KeyRecord, decode_terms, encode_terms, order_from, view_of

FULL = {
    "name": "team",
    "models": ["auto", "deepseek-flash"],
    "class": "internal",
    "rate_per_minute": 60,
    "concurrency": 4,
    "budget_usd_per_day": 0.1,
    "budget_usd_per_month": "2.50",
    "when_spent": "local",
    "weight": 2,
    "priority": "high",
}
TERMS = Terms(
    "key_1",
    ("auto", "deepseek-flash"),
    DataClass.INTERNAL,
    60,
    4,
    Decimal("0.1"),
    Decimal("2.50"),
    "local",
    2.0,
    "high",
)


def test_an_order_becomes_terms_and_money_stays_exact() -> None:
    assert order_from(FULL).terms("key_1") == TERMS
    assert order_from({"name": "team"}).terms("key_1") == Terms("key_1")


def test_terms_are_kept_and_read_again() -> None:
    assert decode_terms(encode_terms(TERMS)) == TERMS
    assert decode_terms(encode_terms(Terms("key_2"))) == Terms("key_2")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "has blank"),
        ("name", "a" * 61),
        ("name", "-begins"),
        ("models", [""]),
        ("models", "auto"),
        ("class", "secret-word"),
        ("rate_per_minute", 0),
        ("rate_per_minute", 1.5),
        ("concurrency", -1),
        ("when_spent", "secret-word"),
        ("weight", 0),
        ("priority", "secret-word"),
        ("expires_in_days", 0),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    with pytest.raises(WrongShape) as refused:
        order_from(FULL | {field: value})
    assert field in refused.value.message
    assert "secret-word" not in refused.value.message


@pytest.mark.parametrize("budget", [0, -1, "-0.5", "NaN", "Infinity"])
@pytest.mark.parametrize("field", ["budget_usd_per_day", "budget_usd_per_month"])
def test_a_budget_is_more_than_nothing(field: str, budget: Any) -> None:
    with pytest.raises(WrongShape, match="budget"):
        order_from(FULL | {field: budget})


@pytest.mark.parametrize("given", [None, [], "team", 1, {}, {"name": "team", "unknown": 1}])
def test_what_is_no_order_is_refused(given: Any) -> None:
    with pytest.raises(WrongShape, match="no order for a key"):
        order_from(given)


@pytest.mark.parametrize(
    ("changes", "now", "state"),
    [
        ({}, 0.0, "active"),
        ({"expires_at": 10.0}, 9.9, "active"),
        ({"expires_at": 10.0}, 10.0, "expired"),
        ({"revoked_at": 5.0}, 6.0, "revoked"),
        ({"revoked_at": 5.0, "expires_at": 1.0}, 6.0, "revoked"),
    ],
)
def test_a_key_is_active_until_it_is_revoked_or_its_time_is_over(
    changes: dict[str, float], now: float, state: str
) -> None:
    record = KeyRecord(key_id="key_1", name="team", terms=Terms("key_1"), created_at=0.0, **changes)
    assert record.state(now) == state


def test_the_view_is_plain_json_and_speaks_as_the_order_does() -> None:
    record = KeyRecord(key_id="key_1", name="team", terms=TERMS, created_at=1.5)
    view = json.decode(json.encode(view_of(record, 2.0)))
    assert view == {
        "id": "key_1",
        "state": "active",
        "created_at": 1.5,
        "expires_at": None,
        "revoked_at": None,
        **FULL,
        "budget_usd_per_day": "0.1",
    }
