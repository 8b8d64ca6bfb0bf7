"""One row of the ledger: what is kept of an exchange. Never content, never an error's text, never an unknown model name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from math import isfinite
from operator import attrgetter
from typing import Any

import orjson
from msgspec import Struct

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.exchange import Exchange, Send


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """Columns of the table, in order. Times in seconds; tokens None where not reported; cost as a decimal text.

    Those from `wished_class` on are None in rows of version 1, those from `queued_s` on also in rows of version 2, except
    where None is a value of its own. `found` is `TAG:TIMES,...`; `sends` is JSON, `[[backend, boundary, class, masked],
    ...]`; `compared` is JSON, of a shadow only: numbers, never content.
    """

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
    wished_class: str | None
    found: str | None
    policy_rows: str | None
    action: str | None
    conversation: str | None
    sends: str | None
    shadow_of: str | None
    needs: str | None
    compared: str | None
    queued_s: float | None
    continued: str | None
    charged_usd: str | None
    key_id: str | None


FINISHES = ("stop", "length", "content_filter", "tool_calls", "insufficient_system_resource")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/\[\]-]{0,199}")

COLUMNS: tuple[str, ...] = Entry.__struct_fields__
NEW_IN_VERSION_2 = COLUMNS[COLUMNS.index("wished_class") : COLUMNS.index("queued_s")]
NEW_IN_VERSION_3 = COLUMNS[COLUMNS.index("queued_s") :]
_ALWAYS_SEALED = len(COLUMNS) - len(NEW_IN_VERSION_3)
INTEGERS = ("status", "request_bytes", "prompt_tokens", "cache_hit_tokens", "output_tokens", "reasoning_tokens")
TIMES = ("arrived_at", "first_frame_s", "duration_s", "queued_s")
_values_of = attrgetter(*COLUMNS)
_STREAMED = COLUMNS.index("streamed")
_TIME_PLACES = tuple(COLUMNS.index(name) for name in TIMES)


def row_of(entry: Entry) -> list[Any]:
    """An entry as the row that is written, each value as the file will give it back: it is sealed before it is written."""
    row = list(_values_of(entry))
    row[_STREAMED] = int(row[_STREAMED])
    for place in _TIME_PLACES:
        if (value := row[place]) is not None:
            # SQLite keeps no NaN and no minus zero, and a whole number in a column of times as a float.
            row[place] = value + 0.0 if isfinite(value) else None
    return row


def sealed_part(row: Sequence[Any]) -> Sequence[Any]:
    """The values that the seal covers: all, but for columns newer than version 2 that hold nothing at the row's end.

    So a row of version 2 keeps the seal that it was given, and no two rows have the same part: how many values are left out
    is seen from how many are left."""
    end = len(row)
    while end > _ALWAYS_SEALED and row[end - 1] is None:
        end -= 1
    return row if end == len(row) else row[:end]


def entry_from(row: Sequence[Any]) -> Entry:
    """The entry of a row as it was read, in the order of `COLUMNS`."""
    fields: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    fields["streamed"] = bool(fields["streamed"])
    return Entry(**fields)


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
        wished_class=exchange.wished_class.value if exchange.wished_class else None,
        found=",".join([f"{tag}:{times}" for tag, times in exchange.found.items()]) if exchange.found else "",
        policy_rows=",".join(exchange.rows),
        action=exchange.action,
        conversation=",".join(exchange.conversation),
        sends=_sends(exchange.sends) if exchange.sends else "[]",
        shadow_of=exchange.shadow_of,
        needs=",".join(sorted(decision.needs)) if decision and decision.needs else "",
        compared=exchange.compared,
        queued_s=exchange.queued_s,
        continued=exchange.continued,
        charged_usd=None if exchange.charged_usd is None else format(exchange.charged_usd, "f"),
        key_id=exchange.terms.key_id if exchange.terms else None,
    )


def _sends(sends: Sequence[Send]) -> str:
    return orjson.dumps([tuple(one) for one in sends]).decode()


def sends_of(entry: Entry) -> list[Send] | None:
    """Where the request was sent; None in a row of an earlier version, which did not say."""
    if entry.sends is None:
        return None
    rows = orjson.loads(entry.sends)
    return [Send(backend, Boundary(boundary), DataClass(sent), masked) for backend, boundary, sent, masked in rows]


def verdicts_of(entry: Entry) -> list[tuple[str, str, bool]]:
    """Backend, rule, and whether it was kept."""
    return [(backend, code, kept) for backend, code, kept in orjson.loads(entry.verdicts)]


def found_of(entry: Entry) -> dict[str, int]:
    """What detection found, with how often. A tag may hold a colon itself."""
    pairs = [one.rpartition(":") for one in (entry.found or "").split(",") if one]
    return {tag: int(times) for tag, _, times in pairs}


def _short(name: str | None) -> str | None:
    """A model name as a client or a backend said it; whatever does not look like a name may be content."""
    return name if name is None or _NAME.fullmatch(name) else "(not a name)"


def holdable(entry: Entry) -> bool:
    """Whether SQLite can hold it: integers of 64 bits, texts of UTF-8, and nothing but plain values."""
    row = row_of(entry)
    return row[_TIME_PLACES[0]] is not None and entry.status is not None and all(map(_is_plain, row))


def _is_plain(value: Any) -> bool:
    match value:
        case str():
            return value.isascii() or value == value.encode("utf-8", "replace").decode("utf-8")
        case int():
            return -(2**63) <= value < 2**63
        case _:
            return value is None or isinstance(value, float)


def view_of(entry: Entry) -> dict[str, Any]:
    """The entry as JSON for people and programs: lists as lists, null where an earlier version did not keep it."""
    view: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS}
    for name in ("rules", "quirks", "attempts", "policy_rows", "conversation", "needs"):
        if view[name] is not None:
            view[name] = view[name].split(",") if view[name] else []
    if entry.found is not None:
        view["found"] = [{"found": tag, "times": times} for tag, times in found_of(entry).items()]
    if (sends := sends_of(entry)) is not None:
        view["sends"] = [
            {
                "backend": one.backend,
                "boundary": one.boundary.value,
                "class": one.data_class.value,
                "masked": one.masked,
            }
            for one in sends
        ]
    if entry.compared is not None:
        view["compared"] = orjson.loads(entry.compared)
    view["verdicts"] = [{"backend": backend, "rule": code, "kept": kept} for backend, code, kept in verdicts_of(entry)]
    return view


def keyed_hash(body: bytes, key: bytes) -> str:
    """Tells equal requests apart from different ones; without the key nobody can check a guess against it."""
    return hashlib.blake2b(body, key=key, digest_size=16).hexdigest()
