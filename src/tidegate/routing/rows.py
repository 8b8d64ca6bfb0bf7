"""What the rows of the policy say of one request. Pure and total; the order of the rows does not matter.

Every row that applies may only make the outcome stricter, so the strictest wins. What was found and no row speaks of
makes the request private: the policy opens doors by naming them, never by forgetting them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from tidegate.core.boundary import DataClass
from tidegate.routing.policy import NO_RULING, Action, Policy, Row, Ruling
from tidegate.routing.rules import NOT_MASKABLE, ROW_CLASS, ROW_LOCAL, ROW_MASKS, UNSPOKEN

_STRICTNESS: dict[Action, int] = {"allow": 0, "mask": 1, "local": 2, "block": 3}
_NOTHING: frozenset[str] = frozenset()


class Facts(Struct, frozen=True, gc=False):
    """What rows look at. `models` are the name that was asked for and what it means where it is another's or a retired
    one; `found` are tags of findings; `at` is unix seconds."""

    client: str | None
    models: tuple[str, ...]
    found: frozenset[str]
    size_bytes: int
    at: float


def rule_on(facts: Facts, policy: Policy) -> Ruling:
    if not policy.rows and not facts.found:
        return NO_RULING
    applied = [(row, hits) for row in policy.rows if (hits := _applies(row, facts)) is not None]
    return _Outcome(facts, policy).ruling(applied)


class _Outcome:
    """The outcome while rows are added to it: it only ever gets stricter."""

    def __init__(self, facts: Facts, policy: Policy) -> None:
        self._found = facts.found
        self._maskable = policy.maskable
        self._class = DataClass.PUBLIC
        self._codes: list[str] = []
        self._masks: frozenset[str] = _NOTHING
        self._spoken: frozenset[str] = _NOTHING

    def ruling(self, applied: list[tuple[Row, frozenset[str]]]) -> Ruling:
        action: Action | None = None
        blocked_by: str | None = None
        for row, hits in applied:
            if row.found is not None:
                self._spoken |= hits
            self._take(row, hits)
            if row.action is not None and (action is None or _STRICTNESS[row.action] > _STRICTNESS[action]):
                action = row.action
            if row.action == "block":
                blocked_by = blocked_by or row.name
        if self._found - self._spoken:
            self._raise(DataClass.PRIVATE, UNSPOKEN.code)
        if self._masks:
            self._codes.append(ROW_MASKS.code)
        return Ruling(
            data_class=DataClass.PRIVATE if self._masks else self._class,
            left_class=self._class,
            action=action,
            masks=self._masks,
            spoke=tuple(row.name for row, _ in applied),
            codes=tuple(dict.fromkeys(self._codes)),
            blocked_by=blocked_by,
        )

    def _take(self, row: Row, hits: frozenset[str]) -> None:
        if row.data_class is not None:
            self._raise(row.data_class, ROW_CLASS.code)
        if row.action == "local":
            self._raise(DataClass.PRIVATE, ROW_LOCAL.code)
        elif row.action == "mask":
            if hits - self._maskable:
                self._raise(DataClass.PRIVATE, NOT_MASKABLE.code)
            self._masks |= hits & self._maskable

    def _raise(self, data_class: DataClass, code: str) -> None:
        self._class = self._class.raised_to(data_class)
        if data_class is not DataClass.PUBLIC:
            self._codes.append(code)


def _applies(row: Row, facts: Facts) -> frozenset[str] | None:
    """Which findings the row is about, none for a row about the request itself; None: it does not apply."""
    if row.clients and facts.client not in row.clients:
        return None
    if row.models is not None and not any(row.models.fullmatch(model) for model in facts.models):
        return None
    if facts.size_bytes < row.min_bytes or (row.max_bytes is not None and facts.size_bytes > row.max_bytes):
        return None
    if (row.days or row.from_minute is not None) and not _is_then(row, datetime.fromtimestamp(facts.at, UTC)):
        return None
    if row.found is None:
        return _NOTHING
    return (facts.found & row.found) or None


def _is_then(row: Row, at: datetime) -> bool:
    if row.days and at.weekday() not in row.days:
        return False
    if row.from_minute is None:
        return True
    minute = at.hour * 60 + at.minute
    if row.from_minute < row.to_minute:
        return row.from_minute <= minute < row.to_minute
    return minute >= row.from_minute or minute < row.to_minute
