"""JSON values of a request as the hosted API's parser reads them, and its exact words for one that does not fit.

The hosted API is written in Rust on serde, and clients see serde's texts. Readers here take a value and give it back
typed, or raise a `Misfit`; whoever stands outside adds the way to the value with `at`, and the codec turns the misfit
into a `WrongShape` once. Knows types, not fields: ranges and other rules of the contract are checked elsewhere.
Source: `deepseek-recipe` 0.2.0 and serde_json 1, run 2026-11-24; live texts of 2026-07-27 (path, line and column).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from tidegate.core.jsonvalue import as_list, as_object

T = TypeVar("T")
Key = str | int
Spot = Literal["after", "before", "end"]
"""Where serde_json stands when it complains: behind a scalar, in front of a map or sequence, at an object's end."""

Text = str | Callable[[], str]
"""A text, or how to make it: one that quotes a value is made only for those who may read it."""

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,48}")
_U64 = 2**64
_EXPONENT = re.compile(r"e([+-])0(\d)$")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Mn", "Me"})
"""Unicode categories that Rust's Debug escapes."""
_MISSING: Any = object()


class Misfit(Exception):
    """A value that does not fit. `shown` is its text with the value quoted, `bare` without a client's own words."""

    def __init__(self, shown: Text, bare: str | None = None, spot: Spot = "after") -> None:
        """`bare` must be given when `shown` is yet to be made."""
        super().__init__(bare or shown)
        self._shown = shown
        self.bare = bare or str(shown)
        self.spot: Spot = spot
        self.path: list[Key] = []

    @property
    def shown(self) -> str:
        return self._shown if isinstance(self._shown, str) else self._shown()

    def said(self, quoting: bool) -> str:
        return self.shown if quoting else self.bare

    def at(self, key: Key) -> Misfit:
        """The same misfit, seen from one level further out."""
        self.path.insert(0, key)
        return self

    def of(self, name: str) -> Misfit:
        """The same misfit in the words of a reader that names the field itself and knows no way to it."""
        return Misfit(lambda: f"field `{name}`: {self.shown}", f"field `{name}`: {self.bare}", self.spot)


def wrong_type(value: object, expected: str) -> Misfit:
    """serde's "invalid type". A string is quoted only where the words are shown to who wrote them (the simulator)."""
    bare = f"invalid type: {_described(value)}, expected {expected}"
    if isinstance(value, str):
        return Misfit(lambda: f"invalid type: string {debug_string(value)}, expected {expected}", bare)
    return Misfit(bare, spot="before" if isinstance(value, dict | list) else "after")


def wrong_length(length: int, expected: str) -> Misfit:
    return Misfit(f"invalid length {length}, expected {expected}")


def wrong_value(value: int, expected: str) -> Misfit:
    return Misfit(f"invalid value: integer `{value}`, expected {expected}")


def missing(name: str) -> Misfit:
    return Misfit(f"missing field `{name}`", spot="end")


def unknown_variant(value: str, variants: Sequence[str]) -> Misfit:
    names = ", ".join(f"`{name}`" for name in variants)
    expected = f"expected one of {names}" if len(variants) > 2 else "expected " + names.replace(", ", " or ")
    bare = f"unknown variant `{value}`, " if is_word(value) else "unknown variant, "
    return Misfit(lambda: f"unknown variant `{value}`, {expected}", bare + expected)


def is_word(value: str) -> bool:
    """Whether an error may repeat it: a short word is a name (the ids of calls too), anything longer may be a text gone
    astray, and what begins like a key may be one."""
    return _WORD.fullmatch(value) is not None and not value.startswith("sk-")


def said(word: str, quoting: bool) -> str:
    """A client's own word in an error text: what decision 0007 lets an error quote of it."""
    return word if quoting or is_word(word) else "..."


def _described(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{'true' if value else 'false'}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{_float(value)}`"
        case str():
            return "string"
        case dict():
            return "map"
        case _:
            return "sequence"


def _float(value: float) -> str:
    """As serde_json prints it: like Python, but `1.5e-7` for `1.5e-07` and `0.00001` for `1e-05`."""
    text = _EXPONENT.sub(r"e\1\2", repr(value))
    if text.endswith("e-5"):
        digits = text[:-3].lstrip("-").replace(".", "")
        return f"{'-' if value < 0 else ''}0.0000{digits}"
    return text


def debug_string(text: str) -> str:
    """A text in quotes as Rust's Debug writes it."""
    return '"' + _MARKED.sub(_escaped, text) + '"'


_MARKED = re.compile(r"[^ !#-\[\]-~]")


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    named = _NAMED_ESCAPES.get(char)
    if named is not None:
        return named
    if unicodedata.category(char) in _UNSEEN:
        return f"\\u{{{ord(char):x}}}"
    return char


_NAMED_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


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


def signed64(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if -(2**63) <= value < 2**63:
            return value
        raise wrong_value(value, "i64")
    raise wrong_type(value, "i64")


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
    """One name out of a closed set. serde also reads `{"name": null}` as the name."""
    fields = as_object(value)
    if fields is not None:
        if len(fields) != 1:
            raise Misfit("invalid value: map, expected map with a single key", spot="before")
        ((value, content),) = fields.items()
        if value in variants and content is not None:
            raise wrong_type(content, "unit").at(str(value))
    if not isinstance(value, str):
        raise wrong_type(value, expected)
    if value not in variants:
        raise unknown_variant(value, variants)
    return value


def maybe(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """A reader that also takes null."""

    def read_or_null(value: Any) -> T | None:
        return None if value is None else read(value)

    return read_or_null


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
