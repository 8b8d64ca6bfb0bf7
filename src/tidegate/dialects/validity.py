"""Whether a JSON value is what a schema asks for: the one place that knows the validator, which runs offline. Pure.

The library (jsonschema-rs) is imported when the first schema comes: most requests have none. It could fetch what a `$ref`
names; it is told not to, and `schema_walk` refuses such references before. `format` is not checked, as draft 2020-12 has
it; a `pattern` that needs too many steps does not hold.
"""

from __future__ import annotations

from typing import Any

import orjson

from tidegate.core.errors import NotSupported
from tidegate.core.jsonvalue import as_object
from tidegate.core.rulebook import Rule
from tidegate.dialects.schema_walk import Unfit, gauge

_STEPS = 100_000
_REGEX_BYTES = 1024 * 1024


class Validity:
    """One schema, ready to be asked. `field` is the request's field that holds it, for the error that names it."""

    __slots__ = ("_is_valid",)

    def __init__(self, schema: Any, field: str, rule: Rule) -> None:
        import jsonschema_rs as library

        patterns = library.FancyRegexOptions(_STEPS, _REGEX_BYTES, _REGEX_BYTES)
        try:
            gauge(schema)
            validator = library.validator_for(schema, offline=True, validate_formats=False, pattern_options=patterns)
        except Unfit as unfit:
            raise _refused(field, str(unfit), rule) from None
        except (ValueError, TypeError, RecursionError, library.ReferencingError):
            # The library's texts hold the schema.
            raise _refused(field, "it is no valid JSON Schema", rule) from None
        self._is_valid = validator.is_valid

    def holds(self, value: Any) -> bool:
        try:
            return self._is_valid(value)
        except (ValueError, TypeError, RecursionError):
            return False  # nested deeper than the validator goes


def _refused(field: str, why: str, rule: Rule) -> NotSupported:
    return NotSupported(f"the schema in `{field}` cannot be checked by this backend: {why}; see {rule.code}")


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that is the whole text, if it is one."""
    try:
        return as_object(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def value_in(text: str) -> tuple[Any, ...]:
    """The JSON value that is the whole text, or nothing."""
    try:
        return (orjson.loads(text),)
    except orjson.JSONDecodeError:
        return ()
