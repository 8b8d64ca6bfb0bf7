"""What the request formats share: members of chat and completions, and rules about `stop`, ranges and a tool's schema.

Numbers are 32-bit floats for the hosted API: 2.00000001 is 2.0, and so in range.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import orjson

from tidegate.catalog.contracts import Contract
from tidegate.codecs.records import Reader, Record
from tidegate.codecs.shapes import Misfit, boolean, each, maybe, missing, string, wrong_length, wrong_type
from tidegate.core.jsonvalue import as_list, as_object

Slips = list[tuple[str, int]]
"""Rule and message of what canonical form cannot show; see `ChatRequest.slips`."""

EMPTY_STOP = ("stop_empty", -1)
"""`stop` was an empty string, not an array that holds one: the hosted API names them differently."""

Member = tuple[str, Reader | None]
"""The attribute that a member becomes ("": none), and the reader of what is not null (None: it takes more than that)."""

T = TypeVar("T")

_OPTIONS = Record("struct ChatCompletionStreamOptions", {"include_usage": maybe(boolean)})
_JSON_TYPES = (None, "array", "boolean", "integer", "null", "number", "string")
_LEAST_F32 = 1e-37
_F32 = struct.Struct("<f")


def read_include_usage(value: Any) -> bool:
    return _OPTIONS.read(value).get("include_usage") or False


def read_stop(value: Any, slips: Slips) -> tuple[str, ...]:
    if isinstance(value, str):
        if not value:
            slips.append(EMPTY_STOP)
        return (value,)
    items = as_list(value)
    if items is None:
        raise Misfit("expected a string or a list", spot="before" if isinstance(value, dict) else "after")
    return tuple(each(items, string))


def read_members(
    fields: dict[str, Any],
    members: Mapping[str, Member],
    required: Collection[str],
    special: Callable[[str, Any], Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes that a request's members give, and the members that the contract does not know."""
    values: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for name, value in fields.items():
        member = members.get(name)
        if member is None:
            extras[name] = value
        elif value is not None or name in required:
            attribute, read = member
            try:
                found = special(name, value) if read is None else read(value)
            except Misfit as misfit:
                raise misfit.at(name) from None
            if attribute:
                values[attribute] = found
            else:  # checked, and of no effect
                extras[name] = value
    for name in required:
        if name not in fields:
            raise missing(name)
    return values, extras


def read_struct(value: Any, members: Mapping[str, Member], expected: str, read: Callable[[dict[str, Any]], T]) -> T:
    """serde reads the whole request from an array as well, one element for each member."""
    fields = as_object(value)
    if fields is not None:
        return read(fields)
    items = as_list(value)
    if items is None:
        raise wrong_type(value, expected)
    names = list(members)
    request = None
    try:
        request = read(dict(zip(names, items, strict=False)))
    except Misfit as misfit:
        if misfit.path:
            misfit.path[0] = names.index(str(misfit.path[0]))
            raise
    if request is None or len(items) < len(names):
        raise wrong_length(len(items), f"{expected} with {len(names)} elements")
    if len(items) > len(names):
        raise wrong_length(len(items), "fewer elements in array")
    return request


def check_stop(stop: tuple[str, ...], slips: tuple[tuple[str, int], ...], contract: Contract, limit: str) -> None:
    if len(stop) > contract.limits[limit].most:
        raise contract.mistake("stop_too_many", length=len(stop))
    if "" in stop:
        raise contract.mistake("stop_empty", place="stop" if EMPTY_STOP in slips else f"stop[{stop.index('')}]")


def check_range(field: str, value: float, contract: Contract, limit: str = "") -> None:
    """Integers and floats alike; `limit` is the row when it has another name than the field."""
    allowed = contract.limits[limit or field]
    if isinstance(value, float):
        if allowed.holds(value) and abs(value) > _LEAST_F32:
            return
        value = as_f32(value)
    if not allowed.holds(value):
        raise contract.mistake("out_of_range", field=field, span=allowed.span)


def as_f32(value: float) -> float:
    try:
        return _F32.unpack(_F32.pack(value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def check_object_schema(tool: str, schema: Any, contract: Contract, *, quoting: bool) -> None:
    """At its top a tool's schema must be one of an object; a boolean is a schema too, but none of an object."""
    kind: Any = (as_object(schema) or {}).get("type")
    if kind != "object":
        shown = as_json(kind) if quoting or kind in _JSON_TYPES else "something else"
        raise contract.mistake("tool_schema_not_object", tool=tool, type=shown)
