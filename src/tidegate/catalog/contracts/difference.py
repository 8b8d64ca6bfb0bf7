"""What changed between two dated contracts, row by row. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.catalog.contracts.contract import Contract, Row


@dataclass(frozen=True, slots=True)
class Change:
    """One row that came (`before` is None), went (`after` is None) or has other values."""

    table: str
    name: str
    before: Row | None
    after: Row | None


def changes(before: Contract, after: Contract) -> Iterator[Change]:
    """In the order of the tables; inside a table first what went or changed, then what came."""
    for table in dict.fromkeys((*before.tables, *after.tables)):
        old, new = before.tables.get(table, {}), after.tables.get(table, {})
        for name in dict.fromkeys((*old, *new)):
            was, is_now = old.get(name), new.get(name)
            if was is None or is_now is None or was.values != is_now.values:
                yield Change(table, name, was, is_now)


def changed(before: Row, after: Row) -> str:
    """The columns that differ, each with what it was and is."""
    differing = [
        column for column in dict.fromkeys((*before.values, *after.values))
        if before.values.get(column) != after.values.get(column)
    ]  # fmt: skip
    return "; ".join(
        f"{column} {_shown(before.values.get(column, ''))} -> {_shown(after.values.get(column, ''))}".removeprefix(
            "value "
        )
        for column in differing
    )


def columns(row: Row | None) -> str:
    """A row's values on one line; a lone `value` column needs no name."""
    if row is None:
        return "-"
    if list(row.values) == ["value"]:
        return _shown(row.values["value"])
    return "; ".join(f"{column} {_shown(value)}" for column, value in row.values.items())


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value) if value != "" else "none"
