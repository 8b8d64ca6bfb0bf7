"""Rows of the policy: each condition, the strictest wins, order does not matter, and what nobody speaks of stays home."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from tidegate.core.boundary import DataClass
from tidegate.routing.policy import NO_RULING, Policy, Row, Ruling
from tidegate.routing.rows import Facts, rule_on

PUBLIC, INTERNAL, PRIVATE = DataClass.PUBLIC, DataClass.INTERNAL, DataClass.PRIVATE
MASKABLE = frozenset({"SEN001", "SEN010", "term:falcon"})
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC).timestamp()  # a Tuesday


def rule(*rows: Row, found: tuple[str, ...] = (), **more: Any) -> Ruling:
    facts = {"client": "app", "models": ("deepseek-flash",), "size_bytes": 100, "at": NOON, **more}
    return rule_on(Facts(found=frozenset(found), **facts), Policy(rows=rows, maskable=MASKABLE))


def row(name: str = "r", *found: str, **more: Any) -> Row:
    return Row(name=name, found=frozenset(found) if found else None, **more)


def test_without_rows_and_findings_nothing_is_said() -> None:
    assert rule() is NO_RULING


def test_what_no_row_speaks_of_is_private() -> None:
    ruling = rule(found=("SEN001",))
    assert (ruling.data_class, ruling.left_class, ruling.codes, ruling.spoke) == (PRIVATE, PRIVATE, ("CLS009",), ())


def test_a_row_that_speaks_of_one_finding_does_not_speak_of_another() -> None:
    ruling = rule(row("mail", "SEN010", action="allow"), found=("SEN010", "SEN001"))
    assert (ruling.data_class, ruling.codes, ruling.spoke) == (PRIVATE, ("CLS009",), ("mail",))


@pytest.mark.parametrize(
    ("conditions", "other"),
    [
        ({"clients": frozenset({"app"})}, {"client": "else"}),
        ({"clients": frozenset({"app"})}, {"client": None}),
        ({"models": re.compile("deepseek.*")}, {"models": ("auto",)}),
        ({"min_bytes": 100}, {"size_bytes": 99}),
        ({"max_bytes": 100}, {"size_bytes": 101}),
        ({"from_minute": 720, "to_minute": 721}, {"at": NOON + 60}),
        ({"from_minute": 720, "to_minute": 721}, {"at": NOON - 1}),
        ({"days": frozenset({1})}, {"at": NOON + 24 * 3600}),
    ],
)
def test_a_row_applies_only_where_its_conditions_hold(conditions: dict[str, Any], other: dict[str, Any]) -> None:
    local = row(action="local", **conditions)
    assert rule(local).data_class is PRIVATE
    assert rule(local, **other).data_class is PUBLIC


def test_hours_may_go_over_midnight() -> None:
    night = row(action="local", from_minute=22 * 60, to_minute=6 * 60)
    hours = {hour: rule(night, at=NOON + (hour - 12) * 3600).data_class is PRIVATE for hour in range(24)}
    assert [hour for hour, applies in hours.items() if applies] == [0, 1, 2, 3, 4, 5, 22, 23]


def test_a_row_about_what_a_retired_or_foreign_name_means_applies_to_that_name() -> None:
    local = row(action="local", models=re.compile("deepseek-flash"))
    assert rule(local, models=("deepseek-chat", "deepseek-flash")).data_class is PRIVATE


def test_a_mask_leaves_the_class_of_what_is_left() -> None:
    ruling = rule(row("cards", "SEN001", action="mask"), found=("SEN001",))
    assert (ruling.data_class, ruling.left_class, ruling.masks) == (PRIVATE, PUBLIC, {"SEN001"})
    ruling = rule(row("cards", "SEN001", action="mask", data_class=INTERNAL), found=("SEN001",))
    assert (ruling.data_class, ruling.left_class, ruling.codes) == (PRIVATE, INTERNAL, ("CLS007", "CLS010"))


def test_what_cannot_be_masked_stays_home() -> None:
    ruling = rule(row("all", "SEN001", "SEN095", action="mask"), found=("SEN001", "SEN095"))
    assert (ruling.left_class, ruling.codes) == (PRIVATE, ("CLS011", "CLS010"))


def test_a_row_that_blocks_is_named() -> None:
    rows = (row("keys", "SEN010", action="block"), row("all", "SEN010", action="allow"))
    assert rule(*rows, found=("SEN010",)).blocked_by == "keys"
    assert rule(*rows).blocked_by is None


def test_the_strictest_wins_in_any_order() -> None:
    rows = (
        row("a", "SEN001", action="allow"),
        row("m", "SEN001", "SEN010", action="mask"),
        row("c", data_class=INTERNAL),
        row("l", "SEN010", action="local"),
    )
    outcomes = {
        (one.data_class, one.left_class, one.action, one.masks, frozenset(one.codes), one.blocked_by)
        for order in permutations(rows)
        for one in [rule(*order, found=("SEN001", "SEN010"))]
    }
    assert len(outcomes) == 1
    ((data_class, left, action, *_),) = outcomes
    assert (data_class, left, action) == (PRIVATE, PRIVATE, "local")


def test_allow_lets_what_was_found_leave() -> None:
    ruling = rule(row("mail", "SEN010", action="allow"), found=("SEN010",))
    assert (ruling.data_class, ruling.left_class, ruling.action, ruling.spoke) == (PUBLIC, PUBLIC, "allow", ("mail",))
