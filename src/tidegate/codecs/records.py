"""Structs and tagged enums of the hosted API's parser: members in document order, missing ones after all present ones.

serde reads a struct from an array too, one element for each member. What stands inside a tagged enum has been buffered
by then, which shows in the words for an array that is too long. Knows shapes, not fields.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.codecs.shapes import Key, Misfit, missing, unknown_variant, wrong_length, wrong_type
from tidegate.core.jsonvalue import as_list, as_object

Reader = Callable[[Any], Any]


class Record:
    """One struct. `members` stand in the order of its declaration; an object's unknown members are not read."""

    __slots__ = ("_buffered", "_expected", "_members", "_omittable", "_required")

    def __init__(
        self,
        expected: str,
        members: Mapping[str, Reader],
        *,
        required: Sequence[str] = (),
        omittable: Sequence[str] = (),
        buffered: bool = False,
    ) -> None:
        """`omittable` members may be absent from the end of an array as well."""
        self._expected = expected
        self._members = dict(members)
        self._required = tuple(required)
        self._omittable = frozenset(omittable)
        self._buffered = buffered

    def read(self, value: Any) -> dict[str, Any]:
        fields = as_object(value)
        if fields is not None:
            return self.of_object(fields)
        items = as_list(value)
        if items is not None:
            return self.of_array(items)
        raise wrong_type(value, self._expected)

    def of_object(self, fields: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in fields.items():
            read = self._members.get(name)
            if read is None:
                continue
            try:
                found[name] = read(value)
            except Misfit as misfit:
                raise misfit.at(name) from None
        for name in self._required:
            if name not in found:
                raise missing(name)
        return found

    def of_array(self, items: list[Any], skipped: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index, (name, read) in enumerate(self._members.items()):
            if index == len(items):
                if name in self._omittable:
                    break
                count = len(self._members)
                raise wrong_length(index, f"{self._expected} with {count} element{'s' if count > 1 else ''}")
            try:
                found[name] = read(items[index])
            except Misfit as misfit:
                raise misfit.at(index + skipped) from None
        if len(items) > len(self._members):
            raise wrong_length(len(items), self._no_more())
        return found

    def _no_more(self) -> str:
        count = len(self._members)
        return (
            f"{count} element{'' if count == 1 else 's'} in sequence" if self._buffered else "fewer elements in array"
        )


class TaggedRecords:
    """An enum whose variant stands in a member of the object, or first in the array."""

    __slots__ = ("_expected", "_tag", "_variants")

    def __init__(self, expected: str, tag: str, variants: Mapping[str, Record]) -> None:
        self._expected = f"internally tagged enum {expected}"
        self._tag = tag
        self._variants = dict(variants)

    def read(self, value: Any) -> tuple[str, dict[str, Any]]:
        """The variant's name and its members."""
        fields = as_object(value)
        if fields is not None:
            if self._tag not in fields:
                raise missing(self._tag)
            kind = self._kind(fields[self._tag], self._tag)
            return kind, self._variants[kind].of_object(fields)
        items = as_list(value)
        if items is not None:
            if not items:
                raise missing(self._tag)
            kind = self._kind(items[0], 0)
            return kind, self._variants[kind].of_array(items[1:], 1)
        raise wrong_type(value, self._expected)

    def _kind(self, value: Any, place: Key) -> str:
        if not isinstance(value, str):
            raise wrong_type(value, "variant identifier").at(place)
        if value not in self._variants:
            raise unknown_variant(value, list(self._variants)).at(place)
        return value
