"""JSON values of a request as the hosted API's parser reads them, and its exact words for one that does not fit.

The hosted API is written in Rust on serde, and clients see serde's texts. Readers here take a value and give it back
typed, or raise a `Misfit`; whoever stands outside adds the way to the value with `at`, and the codec turns the misfit
into a `WrongShape` once. Knows types, not fields: ranges and other rules of the contract are checked elsewhere.
Source: `deepseek-recipe` 0.2.0 and serde_json 1, run 2026-11-24; live texts of 2026-07-27 (path, line and column).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from tidegate.core.jsonvalue import as_list, as_object

T = TypeVar("T")
Key = str | int
Spot = Literal["after", "before", "end"]
"""Where serde_json stands when it complains: behind a scalar, in front of a map or sequence, at an object's end."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,24}")
_U64 = 2**64
_MISSING: Any = object()


class Misfit(Exception):
    """A value that does not fit. `shown` is its text with the value quoted, `bare` without a client's own words."""

    def __init__(self, shown: str, bare: str | None = None, spot: Spot = "after") -> None:
        super().__init__(bare or shown)
        self.shown = shown
        self.bare = bare or shown
        self.spot: Spot = spot
        self.path: list[Key] = []

    def at(self, key: Key) -> Misfit:
        """The same misfit, seen from one level further out."""
        self.path.insert(0, key)
        return self


def wrong_type(value: object, expected: str) -> Misfit:
    """serde's "invalid type". A string is quoted only where the words are shown to who wrote them (the simulator)."""
    what, bare = _described(value)
    spot: Spot = "before" if isinstance(value, dict | list) else "after"
    return Misfit(f"invalid type: {what}, expected {expected}", f"invalid type: {bare}, expected {expected}", spot)


def wrong_value(value: int, expected: str) -> Misfit:
    return Misfit(f"invalid value: integer `{value}`, expected {expected}")


def missing(name: str) -> Misfit:
    return Misfit(f"missing field `{name}`", spot="end")


def unknown_variant(value: str, variants: Sequence[str]) -> Misfit:
    names = ", ".join(f"`{name}`" for name in variants)
    expected = f"expected one of {names}" if len(variants) > 2 else "expected " + names.replace(", ", " or ")
    # A short word is a mistaken name; anything longer may be a text that went into the wrong field.
    bare = (
        f"unknown variant `{value}`, "
        if _WORD.fullmatch(value) and not value.startswith("sk-")
        else "unknown variant, "
    )
    return Misfit(f"unknown variant `{value}`, {expected}", bare + expected)


def _described(value: object) -> tuple[str, str]:
    match value:
        case None:
            return "null", "null"
        case bool():
            text = f"boolean `{'true' if value else 'false'}`"
            return text, text
        case int():
            return f"integer `{value}`", f"integer `{value}`"
        case float():
            return f"floating point `{value!r}`", f"floating point `{value!r}`"
        case str():
            return f"string {_quoted(value)}", "string"
        case dict():
            return "map", "map"
        case _:
            return "sequence", "sequence"


def _quoted(text: str) -> str:
    """As Rust's Debug writes a string, for the characters that JSON requests hold."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + escaped.replace("\t", "\\t").replace("\0", "\\0") + '"'


# -- scalars: None stands for null or absent, which an optional field takes alike ---------------------------------------


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise wrong_type(value, "a boolean")


def string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise wrong_type(value, "a string")


def unsigned(bits: Literal[8, 32, 64]) -> Callable[[object], int]:
    most, expected = 2**bits, f"u{bits}"

    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            if 0 <= value < most:
                return value
            # Beyond 64 bits serde_json has read a float.
            raise wrong_value(value, expected) if value < _U64 else wrong_type(float(value), expected)
        raise wrong_type(value, expected)

    return read


def number(value: object) -> int | float:
    """An f32, in the width that the client wrote."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise wrong_type(value, "f32")


def array(value: object) -> list[Any]:
    items = as_list(value)
    if items is None:
        raise wrong_type(value, "a sequence")
    return items


def object_of(value: object, expected: str) -> dict[str, Any]:
    """An object; `expected` is serde's name for it, such as `struct ChatCompletionTool`."""
    fields = as_object(value)
    if fields is None:
        raise wrong_type(value, expected)
    return fields


def variant(value: object, variants: Sequence[str], expected: str = "string or map") -> str:
    """One name out of a closed set."""
    if not isinstance(value, str):
        raise wrong_type(value, expected)
    if value not in variants:
        raise unknown_variant(value, variants)
    return value


# -- members -----------------------------------------------------------------------------------------------------------


def member(fields: dict[str, Any], name: str, read: Callable[[Any], T]) -> T:
    """A member that must be there, null included in what `read` sees."""
    value = fields.get(name, _MISSING)
    if value is _MISSING:
        raise missing(name)
    try:
        return read(value)
    except Misfit as misfit:
        raise misfit.at(name) from None


def optional(fields: dict[str, Any], name: str, read: Callable[[Any], T]) -> T | None:
    """A member that may be absent or null."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except Misfit as misfit:
        raise misfit.at(name) from None


def each(items: list[Any], read: Callable[[Any], T]) -> list[T]:
    found: list[T] = []
    for index, item in enumerate(items):
        try:
            found.append(read(item))
        except Misfit as misfit:
            raise misfit.at(index) from None
    return found
