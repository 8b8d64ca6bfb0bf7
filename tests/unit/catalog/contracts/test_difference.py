"""What changed between two dates: every row that came, went or says something else, and nothing that did not."""

from __future__ import annotations

from tidegate.catalog.contracts import PROFILES, contract_named
from tidegate.catalog.contracts.difference import changed, changes, columns

PREVIEW, GA, V41 = (contract_named(profile) for profile in PROFILES)


def test_nothing_changed_against_itself() -> None:
    assert list(changes(V41, V41)) == []


def test_rows_that_came_went_and_changed() -> None:
    found = {(one.table, one.name): (one.before is not None, one.after is not None) for one in changes(PREVIEW, V41)}
    assert found["models", "deepseek-v4-flash"] == (True, False)
    assert found["models", "deepseek-flash"] == (False, True)
    assert found["efforts", "low"] == (True, True)
    assert found["rules", "reasoning_not_passed_back"] == (False, True)
    assert ("efforts", "high") not in found


def test_a_row_whose_source_alone_is_newer_did_not_change() -> None:
    before, after = PREVIEW.tables["defaults"], GA.tables["defaults"]
    assert before["max_tokens, thinking"].source != after["max_tokens, thinking"].source
    assert "max_tokens, thinking" not in [one.name for one in changes(PREVIEW, GA)]


def test_the_way_back_is_the_mirror() -> None:
    there = {(one.table, one.name, one.before, one.after) for one in changes(GA, V41) if one.table == "efforts"}
    back = {(one.table, one.name, one.after, one.before) for one in changes(V41, GA) if one.table == "efforts"}
    assert there == back


def test_values_on_one_line() -> None:
    assert columns(None) == "-"
    assert columns(V41.row("cache", "block_tokens")) == "128"
    before, after = PREVIEW.row("efforts", "low"), V41.row("efforts", "low")
    assert before is not None
    assert after is not None
    assert columns(after) == "becomes low"
    assert changed(before, after) == "becomes high -> low"
