"""The rows of the policy as they are written to the rows that routing reads, each sure to be enforceable.

A row that speaks of what nobody looks for, or that wants what no backend may take, is a `Misconfigured` that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tidegate.config import Config, PolicyRow
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Group
from tidegate.privacy.rules import EXAMPLE, FAILED, GROUPS, PATTERN, TERM, TOO_SLOW
from tidegate.routing.policy import Row

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS: tuple[Group, ...] = ("personal", "secret", "term", "name", "example", "unscannable")
_MASKABLE: frozenset[Group] = frozenset({"personal", "secret", "term", "name"})
Kept = Callable[[str, DataClass], None]
"""Raises for a place in the configuration whose class no backend may take."""


def rows_of(config: Config, check_kept: Kept) -> tuple[tuple[Row, ...], frozenset[str]]:
    """The rows, and the tags of what can be masked."""
    tags = dict(_tags(config))
    seen: set[str] = set()
    for written in config.policy:
        if written.name in seen:
            raise Misconfigured(f"{_place(written)}: another row has this name; choose another")
        seen.add(written.name)
    rows = tuple(_row(written, config, tags, check_kept) for written in config.policy)
    return rows, frozenset(tag for tag, group in tags.items() if group in _MASKABLE)


def _tags(config: Config) -> Iterator[tuple[str, Group]]:
    """Everything that a row can speak of. That detection failed is not among it: then nothing is known."""
    for code, group in GROUPS.items():
        if code not in (FAILED, TOO_SLOW, TERM, PATTERN, EXAMPLE):
            yield code, group
    for term in config.privacy.terms:
        yield f"term:{term.name}", "term"
    for example in config.privacy.examples:
        yield f"example:{example.name}", "example"


def _row(written: PolicyRow, config: Config, tags: dict[str, Group], check_kept: Kept) -> Row:
    place = _place(written)
    unknown = sorted(set(written.clients) - {client.name for client in config.clients})
    if unknown:
        raise Misconfigured(f"{place} clients: there is no [[clients]] {', '.join(unknown)}")
    if written.data_class is None and written.action is None:
        raise Misconfigured(f"{place} says nothing: give it a `class`, an `action`, or both")
    if written.min_bytes is not None and written.max_bytes is not None and written.min_bytes > written.max_bytes:
        raise Misconfigured(f"{place} min_bytes is larger than max_bytes, so it never applies")
    found = _found(place, written, config, tags)
    data_class = DataClass(written.data_class) if written.data_class else None
    if written.action == "local":
        check_kept(f"{place} action = 'local', so class", DataClass.PRIVATE)
    if data_class is not None and written.action != "block":
        check_kept(f"{place} class", data_class)
    hours = written.hours.split("-") if written.hours else None
    return Row(
        name=written.name,
        clients=frozenset(written.clients),
        models=_pattern(written.models),
        found=found,
        min_bytes=written.min_bytes or 0,
        max_bytes=written.max_bytes,
        from_minute=_minute(hours[0]) if hours else None,
        to_minute=_minute(hours[1]) if hours else 0,
        days=frozenset(_DAYS.index(day) for day in written.days),
        data_class=data_class,
        action=written.action,
    )


def _found(place: str, written: PolicyRow, config: Config, tags: dict[str, Group]) -> frozenset[str] | None:
    """The tags that the row is about. A row that masks or allows is about findings, all of them if it names none."""
    words = written.found or (("any",) if written.action in ("mask", "allow") else ())
    if not words:
        return None
    if not config.privacy.detect:
        raise Misconfigured(f"{place} found cannot be enforced: [privacy] detect is off")
    found = frozenset(tag for word in words for tag in _meant(place, word, config, tags))
    if written.action == "mask" and "any" not in words and not any(tags[tag] in _MASKABLE for tag in found):
        raise Misconfigured(
            f"{place} action = 'mask' cannot be enforced: no pseudonym can stand for {', '.join(words)}; use 'local'"
        )
    return found


def _meant(place: str, word: str, config: Config, tags: dict[str, Group]) -> frozenset[str]:
    if word == "any":
        return frozenset(tags)
    if word in tags:
        if tags[word] == "name" and not config.privacy.names:
            raise Misconfigured(f"{place} found = {word!r} cannot be enforced: [privacy] names is empty")
        return frozenset({word})
    if word not in _GROUPS:
        known = ", ".join((*_GROUPS, "any", *(tag for tag in tags if ":" in tag)))
        raise Misconfigured(
            f"{place} found: {word!r} is neither a rule (`tidegate explain` lists SEN...) nor one of {known}"
        )
    missing = {"name": "names", "term": "terms", "example": "examples"}.get(word)
    if missing is not None and not getattr(config.privacy, missing):
        raise Misconfigured(f"{place} found = {word!r} cannot be enforced: [privacy] {missing} is empty")
    return frozenset(tag for tag, group in tags.items() if group == word)


def _pattern(models: tuple[str, ...]) -> re.Pattern[str] | None:
    if not models:
        return None
    return re.compile("|".join(".*".join(map(re.escape, model.split("*"))) for model in models))


def _minute(time: str) -> int:
    hour, minute = time.split(":")
    return int(hour) * 60 + int(minute)


def _place(written: PolicyRow) -> str:
    return f"[[policy]] {written.name}"
