"""Typed access to the fields of a JSON request object; a wrong type or range is a `ClientMistake` naming the field."""

from __future__ import annotations

from typing import Any

from tidegate.core.errors import ClientMistake
from tidegate.core.jsonvalue import as_object


def wrong_shape(detail: str) -> ClientMistake:
    return ClientMistake(f"Failed to deserialize the JSON body into the target type: {detail}")


def bool_field(fields: dict[str, Any], name: str, place: str = "") -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong_shape(f"{place or name}: expected a boolean")
    return value


def string_field(fields: dict[str, Any], name: str, place: str = "") -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_shape(f"{place or name}: expected a string")
    return value


def object_field(fields: dict[str, Any], name: str, place: str = "") -> dict[str, Any] | None:
    value = as_object(fields.get(name))
    if value is None and fields.get(name) is not None:
        raise wrong_shape(f"{place or name}: expected an object")
    return value


def int_field(fields: dict[str, Any], name: str, least: int, most: int, span: str = "") -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_shape(f"{name}: expected an integer")
    if not least <= value <= most:
        raise _out_of_range(name, span or f"[{least}, {most}]")
    return value


def float_field(fields: dict[str, Any], name: str, least: int, most: int, span: str = "") -> float | None:
    """A number in [least, most]; a span that begins with "(" leaves `least` out."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_shape(f"{name}: expected a number")
    if not least <= value <= most or (span.startswith("(") and value == least):
        raise _out_of_range(name, span or f"[{least}, {most}]")
    return value


def _out_of_range(name: str, span: str) -> ClientMistake:
    return ClientMistake(f"Invalid {name} value, the valid range of {name} is {span}")
