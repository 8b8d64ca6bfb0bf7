"""JSON objects of the Messages format in serde's manner.

serde reads members in the order of the document and asks for missing ones at the end, so the first fault of two is
known. Knows shapes only; what a field may hold is said where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.codecs.shapes import Misfit, missing, object_of, unknown_variant, wrong_type
from tidegate.core.jsonvalue import as_object

Read = Callable[[Any], Any]
Members = Mapping[str, Read]


def record(value: object, expected: str, members: Members, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """The members of an object that are known here, read in document order. Null stands for absent unless needed."""
    return read_members(object_of(value, expected), members, needed)


def read_members(fields: dict[str, Any], members: Members, needed: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        read = members.get(name)
        if read is None or (value is None and name not in needed):
            continue
        try:
            found[name] = read(value)
        except Misfit as misfit:
            raise misfit.at(name) from None
    for name in needed:
        if name not in found:
            raise missing(name)
    return found


def tagged(value: object, enum: str, variants: Mapping[str, Callable[[dict[str, Any]], Any]]) -> Any:
    """An object whose `type` says what else it holds (serde: internally tagged)."""
    fields = as_object(value)
    if fields is None:
        raise wrong_type(value, f"internally tagged enum {enum}")
    if "type" not in fields:
        raise missing("type")
    kind: object = fields["type"]
    if not isinstance(kind, str):
        raise wrong_type(kind, "variant identifier").at("type")
    read = variants.get(kind)
    if read is None:
        raise unknown_variant(kind, tuple(variants)).at("type")
    return read(fields)


def anything(value: Any) -> Any:
    return value
