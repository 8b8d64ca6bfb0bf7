"""A request's bytes to JSON values, and its faults in the hosted API's words with line and column.

orjson reads; only when it refuses, or when a value does not fit, does the slow scanner look for the place. In a large
body it does not: an error must not keep everybody else waiting. Its text then has no line and column, and one for
broken JSON neither serde_json's words nor the way, but orjson's words and character. The same holds for a smaller body
in which the place would take too long to find. Nothing of a client's own words is repeated unless `quoting` is set
(the simulator, which answers nobody but its own user).
Source: live answers of 2026-07-27; the texts in between are serde_json's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from tidegate.codecs.json_scanner import DEPTH, Step, find_fault, find_value, place
from tidegate.codecs.shapes import Misfit
from tidegate.core.errors import BrokenJson, ClientMistake, WrongShape

BROKEN = "Failed to parse the request body as JSON: "
MISSHAPEN = "Failed to deserialize the JSON body into the target type: "
LARGE_BYTES = 256 * 1024
"""In a body of more bytes nobody looks for the place of a fault."""
_CONTAINERS = (dict, list)
_LEVELS_WRITTEN = 254
"""How deep orjson writes."""


def load(body: bytes, words: Collection[str], *, quoting: bool = False) -> Any:
    """The value of a JSON text. `words` are member names that an error may repeat: those of the contract."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise broken_json(body, words, f"{error.msg} at character {error.pos + 1}", quoting=quoting) from None
    # orjson reads 1,024 levels. Fewer brackets than serde_json's limit cannot nest so deeply.
    if body.count(b"[") + body.count(b"{") >= DEPTH:
        is_deep = _is_deep if len(body) <= LARGE_BYTES else _is_too_deep_to_write
        if is_deep(value):
            raise broken_json(body, words, "recursion limit exceeded", quoting=quoting)
    return value


def _is_too_deep_to_write(value: Any) -> bool:
    """The same question for a large value, to which writing it is the quickest answer."""
    for _ in range(_LEVELS_WRITTEN - DEPTH + 1):
        value = [value]
    try:
        orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return True
    return False


def _is_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(DEPTH - 1):
        level = [inner for outer in level for inner in _inside(outer) if type(inner) in _CONTAINERS]
        if not level:
            return False
    return True


def _inside(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def broken_json(body: bytes, words: Collection[str], otherwise: str, *, quoting: bool) -> BrokenJson:
    """`otherwise` is what to say when the fault is not looked for, or not found."""
    fault = find_fault(body) if len(body) <= LARGE_BYTES else None
    if fault is None:
        return BrokenJson(BROKEN + otherwise)
    steps = fault.path if quoting else _known(fault.path, words)
    way = "" if all(step is None for step in steps) else f"{_way(steps)}: "
    return BrokenJson(f"{BROKEN}{way}{fault.text} {place(body, fault.index)}")


def wrong_shape(misfit: Misfit, body: bytes, *, quoting: bool = False) -> WrongShape:
    """The one place where a misfit becomes an error."""
    span = find_value(body, misfit.path) if len(body) <= LARGE_BYTES else None
    where = "" if span is None else " " + place(body, span[0] if misfit.spot == "before" else span[1])
    way = f"{_way(misfit.path)}: " if misfit.path else ""
    return WrongShape(f"{MISSHAPEN}{way}{misfit.said(quoting)}{where}")


def _known(path: Sequence[Step], words: Collection[str]) -> list[Step]:
    """The way as far as it is the contract's; a member of the client's own ends it."""
    known: list[Step] = []
    for step in path:
        if isinstance(step, str) and step not in words:
            break
        known.append(step)
    return known


def _way(path: Sequence[Step]) -> str:
    """As serde_path_to_error prints it: `messages[0].role`, with `?` for a member whose name was not read."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{'?' if step is None else step}")
    return "".join(parts).removeprefix(".")


def dump_fields(fields: dict[str, Any]) -> bytes:
    """JSON bytes. orjson writes at most 254 levels, so depth is the client's to mend."""
    try:
        return orjson.dumps(fields)
    except (TypeError, orjson.JSONEncodeError):
        raise nested_too_deeply() from None


def nested_too_deeply() -> ClientMistake:
    return ClientMistake("The request is nested too deeply: at most 250 levels of JSON can be passed on")
