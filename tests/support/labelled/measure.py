"""How well a detector finds what is labelled: recall by kind, variant and language, and what it finds where nothing is.

A label is hit when one finding covers half of it or more and its code is among those expected of the kind; "any" counts
findings of any code. A finding that touches no label is false. Works for any detector; prints tables, never values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .kinds import KINDS
from .values import Label, Labelled

HALF = 0.5


class Found(Protocol):
    """What a detector says: a rule and where; `core/findings.py` has it."""

    @property
    def code(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


Scan = Callable[[str], Iterable[Found]]
Expected = Mapping[str, frozenset[str]]
"""Kind: the codes that may find it. A kind that is missing is one that the detector does not claim to know."""


@dataclass(slots=True)
class Row:
    labels: int = 0
    hits: int = 0
    any: int = 0

    @property
    def recall(self) -> float:
        return self.hits / self.labels if self.labels else 1.0

    @property
    def recall_any(self) -> float:
        return self.any / self.labels if self.labels else 1.0

    def add(self, hit: bool, any_hit: bool) -> None:
        self.labels += 1
        self.hits += hit
        self.any += any_hit


@dataclass(frozen=True, slots=True)
class Miss:
    """A label that was not hit, with the codes that touched it. It holds the text: only for the development split."""

    text: Labelled
    label: Label
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding that touches no label, and the text it is in."""

    text: Labelled
    found: Found


@dataclass(slots=True)
class Report:
    total: Row = field(default_factory=Row)
    kinds: dict[str, Row] = field(default_factory=dict)
    variants: dict[str, Row] = field(default_factory=dict)
    languages: dict[str, Row] = field(default_factory=dict)
    cells: dict[tuple[str, str], Row] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list, repr=False)
    false: list[Alarm] = field(default_factory=list, repr=False)
    right: int = 0

    @property
    def precision(self) -> float:
        found = self.right + len(self.false)
        return self.right / found if found else 1.0

    def rows(self, label: Label, text: Labelled) -> tuple[Row, ...]:
        return (
            self.total,
            self.kinds.setdefault(label.kind, Row()),
            self.variants.setdefault(text.variant, Row()),
            self.languages.setdefault(text.language, Row()),
            self.cells.setdefault((label.kind, text.variant), Row()),
        )


def overlap(found: Found, label: Label) -> int:
    return min(found.end, label.end) - max(found.start, label.start)


def _covers(found: Found, label: Label) -> bool:
    return overlap(found, label) >= HALF * (label.end - label.start)


def measure(
    scan: Scan,
    texts: Sequence[Labelled],
    expected: Expected,
    only: frozenset[str] | None = None,
    ignore: frozenset[str] = frozenset(),
) -> Report:
    """`only` restricts the labels that count to these kinds; findings with a code to `ignore` are not judged at all,
    except that they may hit a label of a kind that expects them."""
    report = Report()
    for text in texts:
        found = list(scan(text.text))
        for label in text.labels:
            if label.kind not in expected or (only is not None and label.kind not in only):
                continue
            covering = [one for one in found if _covers(one, label)]
            hit = any(one.code in expected[label.kind] for one in covering)
            for row in report.rows(label, text):
                row.add(hit, bool(covering))
            if not hit:
                report.misses.append(Miss(text, label, tuple(one.code for one in found if overlap(one, label) > 0)))
        for one in found:
            if any(overlap(one, label) > 0 for label in text.labels):
                report.right += one.code not in ignore
            elif one.code not in ignore:
                report.false.append(Alarm(text, one))
    return report


def _cells(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"


def percent(value: float) -> str:
    """Two digits behind the point and cut, not rounded: 99.999 % is not all."""
    return f"{int(value * 10000) / 100:.2f}"


def _rows(title: str, rows: Mapping[str, Row]) -> list[str]:
    lines = [_cells((title, "labels", "recall %", "any rule %")), _cells(("---",) * 4)]
    lines += [
        _cells((name, str(row.labels), percent(row.recall), percent(row.recall_any))) for name, row in rows.items()
    ]
    return [*lines, ""]


def summary(report: Report) -> str:
    return (
        f"recall {percent(report.total.recall)} % ({report.total.hits} of {report.total.labels}), "
        f"by any rule {percent(report.total.recall_any)} %, "
        f"precision {percent(report.precision)} % ({len(report.false)} false of {report.right + len(report.false)})"
    )


def false_counts(report: Report) -> dict[str, int]:
    """Where the false ones lie: rule and trap, or rule and kind of text. No text of it."""
    places = Counter(
        f"{one.found.code} in {one.text.labels[0].kind if one.text.labels else 'trap'}/{one.text.variant}"
        for one in report.false
    )
    return dict(places.most_common())


def markdown(report: Report) -> str:
    order = {kind.name: place for place, kind in enumerate(KINDS)}
    kinds = dict(sorted(report.kinds.items(), key=lambda item: order[item[0]]))
    lines = [
        summary(report),
        "",
        *_rows("kind", kinds),
        *_rows("variant", report.variants),
        *_rows("language", report.languages),
    ]
    if report.false:
        lines += [_cells(("false: rule and place", "count")), _cells(("---", "---"))]
        lines += [_cells((place, str(count))) for place, count in false_counts(report).items()]
        lines += [""]
    return "\n".join(lines)
