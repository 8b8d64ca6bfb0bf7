"""Whether a value is a JSON Schema, in the words of the hosted API's validator: the meta-schema of draft 2020-12 as a table.

The vocabularies are looked at one after the other, the members of each in the order of the document. Not looked at:
whether a `pattern` is a regular expression, where a `$ref` leads, and schemas that name an older draft. A library that
does these things (jsonschema-rs, whose texts are nearly the same) opens files and sockets for a `$ref`, which a
gateway must not; `dialects.validity` has it offline, for answers.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from tidegate.codecs.members import as_json
from tidegate.codecs.shapes import Misfit
from tidegate.core.jsonvalue import as_list, as_object

Check = Callable[[Any], object]

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_MOST_COMPARED = 1000
_ANCHOR, _ID = r"^[A-Za-z_][-A-Za-z0-9._]*$", r"^[^#]*#?$"
_CURRENT = re.compile(r"https://json-schema\.org/draft/2020-12/schema#?|http://json-schema\.org/schema#?")
_OLDER = re.compile(r"http://json-schema\.org/draft-0[467]/schema#?|https://json-schema\.org/draft/2019-09/schema#?")


def check_schema(schema: Any) -> None:
    """Raises a `Misfit`: shown with the value that is wrong, bare without."""
    named: Any = (as_object(schema) or {}).get("$schema")
    if isinstance(named, str) and _OLDER.fullmatch(named):
        return
    _schema(schema)
    if isinstance(named, str) and not _CURRENT.fullmatch(named):
        text = "Unknown meta-schema: {}. Custom meta-schemas must be registered in the registry before use"
        raise Misfit(text.format(f"'{named}'"), text.format("value"))


def _fault(value: Any, text: str) -> Misfit:
    return Misfit(lambda: f"{as_json(value)} {text}", f"value {text}")


def _schema(value: Any) -> None:
    fields = as_object(value)
    if fields is None:
        if not isinstance(value, bool):
            raise _fault(value, 'is not of types "boolean", "object"')
        return
    first: tuple[int, Misfit] | None = None
    for name, member in fields.items():
        known = _KEYWORDS.get(name)
        if known is None:
            continue
        rank, check = known
        try:
            check(member)
        except Misfit as misfit:
            if first is None or rank < first[0]:
                first = rank, misfit
    if first is not None:
        raise first[1]


def _object(value: Any) -> dict[str, Any]:
    fields = as_object(value)
    if fields is None:
        raise _fault(value, 'is not of type "object"')
    return fields


def _array(value: Any) -> list[Any]:
    items = as_list(value)
    if items is None:
        raise _fault(value, 'is not of type "array"')
    return items


def _boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise _fault(value, 'is not of type "boolean"')


def _string(value: Any) -> None:
    if not isinstance(value, str):
        raise _fault(value, 'is not of type "string"')


def _text_like(pattern: str) -> Check:
    expression = re.compile(pattern)

    def check(value: Any) -> None:
        _string(value)
        if expression.match(value) is None:
            raise _fault(value, f'does not match "{pattern}"')

    return check


def _number(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fault(value, 'is not of type "number"')


def _positive(value: Any) -> None:
    _number(value)
    if value <= 0:
        raise _fault(value, "is less than or equal to the minimum of 0")


def _count(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _fault(value, 'is not of type "integer"')
    if value < 0:
        raise _fault(value, "is less than the minimum of 0")


def _each(check: Check) -> Check:
    def check_members(value: Any) -> None:
        for member in _object(value).values():
            check(member)

    return check_members


def _schemas(value: Any) -> None:
    items = _array(value)
    if not items:
        raise _fault(items, "has less than 1 item")
    for item in items:
        _schema(item)


def _strings(value: Any) -> None:
    items = _array(value)
    if not _unique(items):
        raise _fault(items, "has non-unique elements")
    for item in items:
        _string(item)


def _unique(items: list[Any]) -> bool:
    """What is not all strings is refused in any case, so of very many the oracle's first word is not worth its time."""
    if all(type(item) is str for item in items):
        return len(set(items)) == len(items)
    if len(items) > _MOST_COMPARED:
        return True
    return len({orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items}) == len(items)


def _type(value: Any) -> None:
    names: list[Any] = [value] if isinstance(value, str) else as_list(value) or []
    if not names or not _unique(names) or not all(isinstance(name, str) and name in _TYPES for name in names):
        raise _none_of(value)


def _dependency(value: Any) -> None:
    try:
        (_strings if isinstance(value, list) else _schema)(value)
    except Misfit:
        raise _none_of(value) from None


def _none_of(value: Any) -> Misfit:
    return _fault(value, "is not valid under any of the schemas listed in the 'anyOf' keyword")


def _members(check: Check, *names: str) -> dict[str, Check]:
    return dict.fromkeys(names, check)


_VOCABULARIES: tuple[dict[str, Check], ...] = (
    {
        "definitions": _each(_schema),
        "dependencies": _each(_dependency),
        "$recursiveAnchor": _text_like(_ANCHOR),
        "$recursiveRef": _string,
    },
    {
        "$id": _text_like(_ID),
        **_members(_text_like(_ANCHOR), "$anchor", "$dynamicAnchor"),
        **_members(_string, "$schema", "$ref", "$dynamicRef", "$comment"),
        "$vocabulary": _each(_boolean),
        "$defs": _each(_schema),
    },
    {
        **_members(_schemas, "prefixItems", "allOf", "anyOf", "oneOf"),
        **_members(_each(_schema), "properties", "patternProperties", "dependentSchemas"),
        **_members(_schema, "items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not"),
    },
    {"unevaluatedItems": _schema},
    {"unevaluatedProperties": _schema},
    {
        "type": _type,
        "enum": _array,
        "multipleOf": _positive,
        **_members(_number, "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        **_members(_count, "maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains"),
        **_members(_count, "maxProperties", "minProperties"),
        "pattern": _string,
        "uniqueItems": _boolean,
        "required": _strings,
        "dependentRequired": _each(_strings),
    },
    {
        **_members(_string, "title", "description"),
        **_members(_boolean, "deprecated", "readOnly", "writeOnly"),
        "examples": _array,
    },
    {"format": _string},
    {**_members(_string, "contentEncoding", "contentMediaType"), "contentSchema": _schema},
)
"""Core, applicator, unevaluated, validation, meta-data, format, content; names of older drafts before them."""

_KEYWORDS = {name: (rank, check) for rank, names in enumerate(_VOCABULARIES) for name, check in names.items()}
