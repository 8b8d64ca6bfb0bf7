"""Reads the dated profiles and lays each over its base. A row without basis, source or checked-on date does not load."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, get_args

from tidegate.catalog.contracts.contract import Basis, Contract, Row

PROFILES = ("2026-04-preview", "2026-08-ga", "2026-09-v41")
"""In the order of their dates."""
DEFAULT_PROFILE = "2026-09-v41"

TABLES = (
    "models", "features", "aliases", "claude_names", "efforts", "defaults", "limits", "sampling", "prefixes", "cache", "queue",
    "prices", "rules", "errors", "differences",
)  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PROVENANCE = ("name", "basis", "source", "checked")

Tables = dict[str, dict[str, Row]]


@cache
def contract_named(profile: str) -> Contract:
    """The contract of one of `PROFILES`."""
    text = resources.files("tidegate.catalog.contracts").joinpath(f"{profile}.toml").read_text(encoding="utf-8")
    return read_contract(profile, text)


def read_contract(profile: str, text: str) -> Contract:
    written = tomllib.loads(text)
    base: str | None = written.pop("base", None)
    tables: Tables = {name: {} for name in TABLES}
    if base is not None:
        tables = {name: dict(rows) for name, rows in contract_named(base).tables.items()}
    title, valid_from = written.pop("title"), written.pop("valid_from")
    _take_away(profile, written.pop("removed", []), tables)
    for table, rows in written.items():
        if table not in tables:
            raise ValueError(f"contract {profile}: there is no table {table}")
        for values in rows:
            row = _row(profile, table, values)
            if row.name in tables[table] and tables[table][row.name].profile == profile:
                raise ValueError(f"contract {profile}: {table} has two rows {row.name}")
            if table == "models":
                tables[table].pop(row.name, None)  # their order is the file's: the first is the default
            tables[table][row.name] = row
    frozen = {name: MappingProxyType(rows) for name, rows in tables.items()}
    return Contract(profile, title, valid_from, MappingProxyType(frozen))


def _row(profile: str, table: str, values: dict[str, Any]) -> Row:
    name = values.get("name", "")
    if not name or values.get("basis") not in get_args(Basis) or not values.get("source"):
        raise ValueError(f"contract {profile}: a row of {table} lacks name, basis or source: {name}")
    if not _DATE.fullmatch(values.get("checked", "")):
        raise ValueError(f"contract {profile}: {table} {name} lacks the date on which it was checked")
    columns = {column: value for column, value in values.items() if column not in _PROVENANCE}
    return Row(table, name, columns, values["basis"], values["source"], values["checked"], profile)


def _take_away(profile: str, removed: list[dict[str, Any]], tables: Tables) -> None:
    """Rows of the base that no longer hold, each named `table: name`, and with a source like any other."""
    for values in removed:
        row = _row(profile, "removed", values)
        table, _, name = row.name.partition(": ")
        if tables.get(table, {}).pop(name, None) is None:
            raise ValueError(f"contract {profile}: there is no row {row.name} to remove")
