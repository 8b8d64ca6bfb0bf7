"""The part of JSON Schema that a `strict` tool may use: its shape in serde's words, then what each object must keep to.

Members that are not named here (`minLength`, `$defs`, `title`, ...) are dropped by the hosted API, and so not looked at.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24; api-docs.deepseek.com, tool calls, 2026-08-02.
"""

from __future__ import annotations

from typing import Any

from tidegate.catalog.contracts import Contract
from tidegate.codecs.records import Reader, Record, TaggedRecords
from tidegate.codecs.shapes import Misfit, array, boolean, each, maybe, said, signed64, string, variant, wrong_type
from tidegate.core.jsonvalue import as_list, as_object

_FORMATS = ("email", "hostname", "ipv4", "ipv6", "uuid")
_SCALARS = ("string", "number", "integer", "boolean", "null")
_ONE_OF = "one of `type`, `anyOf`, `$ref` field is required"
_BOUNDS = ("const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")

Schema = dict[str, Any]
"""One schema as read: its members, with `kind` for the way it is described."""


def read_schema(value: Any) -> Schema:
    fields = as_object(value)
    if fields is None:
        raise Misfit(_ONE_OF)
    if "type" in fields:
        types = as_list(fields["type"])
        if types is None:
            return _read_typed(fields)
        _in_field("type", types, lambda names: each(names, lambda name: variant(name, _SCALARS)))
        return {"kind": "types"}
    if "anyOf" in fields:
        choices = _in_field("anyOf", fields["anyOf"], lambda items: each(array(items), _read_typed))
        return {"kind": "anyOf", "anyOf": choices}
    if "$ref" in fields:
        _in_field("$ref", fields["$ref"], string)
        return {"kind": "$ref"}
    raise Misfit(_ONE_OF)


def _in_field(name: str, value: Any, read: Reader) -> Any:
    try:
        return read(value)
    except Misfit as misfit:
        raise misfit.of(name) from None


def _read_typed(value: Any) -> Schema:
    kind, members = _TYPED.read(value)
    return {"kind": kind, **members}


def _properties(value: Any) -> dict[str, Schema]:
    fields = as_object(value)
    if fields is None:
        raise wrong_type(value, "a map")
    return {name: read_schema(inner) for name, inner in fields.items()}


def _json_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(value, "a JSON number")
    return value


def _strings(value: Any) -> list[str]:
    return each(array(value), string)


def _typed(name: str, needed: tuple[str, ...] = (), /, **members: Reader) -> Record:
    described = {"description": maybe(string), **members}
    return Record(f"struct variant JsonSchema::{name}", described, required=needed, buffered=True)


_TYPED = TaggedRecords(
    "JsonSchemaType",
    "type",
    {
        "object": _typed(
            "Object",
            properties=maybe(_properties),
            required=maybe(_strings),
            additionalProperties=maybe(boolean),
        ),
        "string": _typed(
            "String",
            pattern=maybe(string),
            format=maybe(lambda value: variant(value, _FORMATS)),
            enum=maybe(_strings),
        ),
        "number": _typed("Number", **dict.fromkeys(_BOUNDS, maybe(_json_number))),
        "integer": _typed("Integer", **dict.fromkeys(_BOUNDS, maybe(signed64))),
        "boolean": _typed("Boolean"),
        "array": _typed("Array", ("items",), items=read_schema),
        "null": _typed("Null"),
    },
)


def check_strict(parameters: Any, contract: Contract, *, quoting: bool) -> None:
    """Raises the first breach in one tool's parameters. At the top an object may have no properties."""
    if parameters is None:
        return
    try:
        schema = read_schema(parameters)
    except Misfit as misfit:
        raise contract.mistake("strict_schema", fault=misfit.said(quoting)) from None
    check_objects(schema, contract, may_be_empty=True, quoting=quoting)
    if schema["kind"] != "object":
        raise contract.mistake("strict_top_level")


def check_objects(schema: Schema, contract: Contract, *, may_be_empty: bool, quoting: bool) -> None:
    """The rules of each object, those of the inner ones first."""
    properties: dict[str, Schema] = schema.get("properties") or {}
    inner = list(properties.values())
    if "items" in schema:
        inner.append(schema["items"])
    for part in inner:
        check_objects(part, contract, may_be_empty=False, quoting=quoting)
    for part in schema.get("anyOf") or ():
        check_objects(part, contract, may_be_empty=may_be_empty, quoting=quoting)
    if schema["kind"] == "object":
        _check_object(schema, contract, may_be_empty=may_be_empty, quoting=quoting)


def _check_object(schema: Schema, contract: Contract, *, may_be_empty: bool, quoting: bool) -> None:
    properties: dict[str, Schema] = schema.get("properties") or {}
    required: list[str] | None = schema.get("required")
    if not properties and not may_be_empty:
        raise contract.mistake("strict_no_properties")
    for name in required or ():
        if name not in properties:
            raise contract.mistake("strict_property_unknown", name=said(name, quoting))
    if required is not None and len(set(required)) < len(properties):
        raise contract.mistake("strict_required")
    if schema.get("additionalProperties"):
        raise contract.mistake("strict_additional")
