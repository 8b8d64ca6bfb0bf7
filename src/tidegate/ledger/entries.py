"""One row of the ledger: what is kept of an exchange. Never content, never an error's text, never an unknown model name."""

from __future__ import annotations

import hashlib
import re
from operator import attrgetter
from typing import Any

import orjson
from msgspec import Struct

from tidegate.core.exchange import Exchange


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """Columns of the table, in order. Times in seconds; tokens None where not reported; cost as a decimal text."""

    exchange_id: str
    arrived_at: float
    surface: str
    client: str | None
    status: int
    error: str | None
    asked_model: str | None
    data_class: str | None
    backend: str | None
    model: str | None
    boundary: str | None
    streamed: bool
    rules: str
    verdicts: str
    quirks: str
    attempts: str
    request_bytes: int
    request_hash: str
    prompt_tokens: int | None
    cache_hit_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    finish: str | None
    cost_usd: str | None
    first_frame_s: float | None
    duration_s: float | None


FINISHES = ("stop", "length", "content_filter", "tool_calls", "insufficient_system_resource")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/\[\]-]{0,199}")

COLUMNS: tuple[str, ...] = Entry.__struct_fields__
row_of = attrgetter(*COLUMNS)
"""An entry as the row that is written."""


def entry_of(exchange: Exchange) -> Entry:
    decision, usage = exchange.decision, exchange.usage
    # A model name nobody knows may be anything, even a prompt pasted into the wrong field.
    known = decision is not None and decision.refusal not in ("unknown_model", "unknown_backend", "model_not_served")
    verdicts = [[one.backend, one.code, one.kept] for one in decision.verdicts] if decision else []
    return Entry(
        exchange_id=exchange.exchange_id,
        arrived_at=exchange.arrived_at,
        surface=exchange.surface,
        client=exchange.client,
        status=exchange.status,
        error=exchange.error,
        asked_model=_short(exchange.asked_model) if known else None,
        data_class=exchange.data_class.value if exchange.data_class else None,
        backend=exchange.backend,
        model=_short(exchange.model),
        boundary=exchange.boundary.value if exchange.boundary else None,
        streamed=exchange.streamed,
        rules=",".join(exchange.rules),
        verdicts=orjson.dumps(verdicts).decode(),
        quirks=",".join(exchange.quirks),
        attempts=",".join(exchange.attempts),
        request_bytes=exchange.request_bytes,
        request_hash=exchange.request_hash,
        prompt_tokens=usage.prompt if usage else None,
        cache_hit_tokens=usage.cache_hit if usage else None,
        output_tokens=usage.output if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        finish=exchange.finish if exchange.finish in (None, *FINISHES) else "other",
        cost_usd=None if exchange.cost_usd is None else format(exchange.cost_usd, "f"),
        first_frame_s=exchange.first_frame_s,
        duration_s=exchange.duration_s,
    )


def _short(name: str | None) -> str | None:
    """A model name as a client or a backend said it; whatever does not look like a name may be content."""
    return name if name is None or _NAME.fullmatch(name) else "(not a name)"


def holdable(entry: Entry) -> bool:
    """Whether SQLite can hold it: integers of 64 bits, and nothing but plain values."""
    return all(
        value is None or isinstance(value, str | float) or (isinstance(value, int) and -(2**63) <= value < 2**63)
        for value in row_of(entry)
    )


def view_of(entry: Entry) -> dict[str, Any]:
    """The entry as JSON for people and programs: lists as lists."""
    view: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    for name in ("rules", "quirks", "attempts"):
        view[name] = view[name].split(",") if view[name] else []
    view["verdicts"] = [
        {"backend": backend, "rule": code, "kept": kept} for backend, code, kept in orjson.loads(entry.verdicts)
    ]
    return view


def keyed_hash(body: bytes, key: bytes) -> str:
    """Tells equal requests apart from different ones; without the key nobody can check a guess against it."""
    return hashlib.blake2b(body, key=key, digest_size=16).hexdigest()
