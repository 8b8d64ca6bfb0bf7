"""`tidegate explain contract`: one date in full, the difference of two, and a wrong name with the nearest one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES, contract_named

Run = Callable[..., Any]


def test_one_date_in_full(tidegate: Run) -> None:
    shown = tidegate("explain", "contract", "2026-08-ga")
    assert shown.code == 0
    assert shown.out.startswith("Contract 2026-08-ga: V4 general availability, in force from 2026-08-13 00:00 UTC")
    assert "  deepseek-v4-flash: title DeepSeek-V4-Flash-0731; encoding v4;" in shown.out
    assert "documented: api-docs.deepseek.com" in shown.out


def test_without_a_date_the_default(tidegate: Run) -> None:
    assert tidegate("explain", "contract").out.startswith(f"Contract {DEFAULT_PROFILE}: ")
    rows = json.loads(tidegate("explain", "contract", "--json").out)
    assert len(rows) == sum(len(table) for table in contract_named(DEFAULT_PROFILE).tables.values())
    assert {"table", "name", "basis", "source", "checked", "profile"} <= rows[0].keys()


def test_the_difference_of_two_dates(tidegate: Run) -> None:
    shown = tidegate("explain", "contract", f"{PROFILES[0]}..{PROFILES[-1]}")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith("What changed in the contract from 2026-04-preview to 2026-09-v41: ")
    assert "  ~ low: becomes high -> low" in lines
    assert any(line.startswith("  - deepseek-v4-flash: title") for line in lines)
    assert any(line.startswith("  + deepseek-flash: title") for line in lines)
    found = json.loads(tidegate("explain", "contract", f"{PROFILES[0]}..{PROFILES[-1]}", "--json").out)
    assert len(found) == int(lines[0].rpartition(": ")[2].partition(" ")[0])
    assert {"table": "efforts", "name": "low"}.items() <= found[[one["name"] for one in found].index("low")].items()


def test_a_wrong_name_says_the_nearest(tidegate: Run) -> None:
    shown = tidegate("explain", "contract", "2026-09-v4..2026-08-ga")
    assert shown.code == 2
    assert "there is no contract profile '2026-09-v4'; did you mean 2026-09-v41?" in shown.err


def test_a_second_word_is_for_the_contract_only(tidegate: Run) -> None:
    shown = tidegate("explain", "RTE010", "2026-08-ga")
    assert shown.code == 2
    assert "only for `tidegate explain contract`" in shown.err
