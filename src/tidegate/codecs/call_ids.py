"""Ids for tool calls that came without one: in the hosted API's form, and the same whenever the same bytes are read. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def call_id_of(index: int, *parts: Any) -> str:
    """`call_00_` and 24 characters that follow from `parts`, which are JSON: what tells this call from all others."""
    digest = hashlib.sha256(orjson.dumps([index, *parts])).hexdigest()
    return f"call_{index:02}_{digest[:24]}"
