"""`tidegate explain contract`: what the hosted API promises at a date, and what changed between two."""

from __future__ import annotations

import difflib
import json
from typing import Any

from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES, Contract, Row, contract_named
from tidegate.catalog.contracts.difference import Change, changed, changes, columns
from tidegate.core.errors import Misconfigured


def explain_contract(dates: str, as_json: bool) -> None:
    """`dates` is a profile, or two as OLD..NEW; nothing means the default profile."""
    old, between, new = dates.partition("..")
    if between:
        found = list(changes(profile_named(old), profile_named(new)))
        _print_json([_change_view(one) for one in found]) if as_json else _print_changes(old, new, found)
        return
    contract = profile_named(dates or DEFAULT_PROFILE)
    if as_json:
        _print_json([_row_view(row) for rows in contract.tables.values() for row in rows.values()])
    else:
        _print_contract(contract)


def profile_named(name: str) -> Contract:
    if name not in PROFILES:
        near = difflib.get_close_matches(name, PROFILES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(PROFILES)}"
        raise Misconfigured(f"there is no contract profile {name!r}; {hint}")
    return contract_named(name)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def _row_view(row: Row) -> dict[str, Any]:
    return {
        "table": row.table,
        "name": row.name,
        **row.values,
        "basis": row.basis,
        "source": row.source,
        "checked": row.checked,
        "profile": row.profile,
    }


def _change_view(change: Change) -> dict[str, Any]:
    return {
        "table": change.table,
        "name": change.name,
        "before": None if change.before is None else _row_view(change.before),
        "after": None if change.after is None else _row_view(change.after),
    }


def _print_changes(old: str, new: str, found: list[Change]) -> None:
    print(f"What changed in the contract from {old} to {new}: {len(found)} rows")
    table = ""
    for change in found:
        if change.table != table:
            table = change.table
            print(f"\n{table}")
        match change:
            case Change(before=None, after=Row() as after):
                print(f"  + {change.name}: {columns(after)}\n      {_provenance(after)}")
            case Change(before=Row() as before, after=Row() as after):
                print(f"  ~ {change.name}: {changed(before, after)}\n      {_provenance(after)}")
            case _:
                print(f"  - {change.name}: {columns(change.before)}")


def _print_contract(contract: Contract) -> None:
    print(f"Contract {contract.profile}: {contract.title}, in force from {contract.valid_from:%Y-%m-%d %H:%M} UTC")
    for table, rows in contract.tables.items():
        print(f"\n{table}")
        for row in rows.values():
            print(f"  {row.name}: {columns(row)}\n      {_provenance(row)}")


def _provenance(row: Row) -> str:
    return f"{row.basis}: {row.source} (checked {row.checked})"
