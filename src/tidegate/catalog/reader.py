"""Reads the catalogue's TOML files. Every row has `source` and `checked`; a file without them does not load."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@cache
def rows(file_name: str, table: str) -> tuple[dict[str, Any], ...]:
    """The rows `[[table]]` of one catalogue file."""
    text = resources.files("tidegate.catalog").joinpath(file_name).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)[table]
    for row in found:
        if not row.get("source") or not _DATE.fullmatch(str(row.get("checked", ""))):
            raise ValueError(f"catalogue file {file_name}: a row of {table} lacks `source` or `checked`")
    return tuple(found)
