"""What several detectors found in the same place becomes one find each character belongs to at most once.

Nothing that was found is uncovered by it: overlapping finds become one as long as all together, under the strongest
one's rule. Only the operator's own terms are kept apart, because rows of the policy speak of them by name: what else was
found around a term is found before and behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.privacy.patterns.found import Found


def settle(found: Iterable[Found]) -> list[Found]:
    terms = _merged([one for one in found if one.label])
    others = _merged([one for one in found if not one.label])
    if not terms:
        return others
    return sorted([*terms, *_around(others, terms)])


def _merged(found: list[Found]) -> list[Found]:
    found.sort(key=lambda one: (one.start, -one.end, -one.strength))
    kept: list[Found] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
            continue
        last = kept[-1]
        stronger = one if (one.strength, one.end - one.start) > (last.strength, last.end - last.start) else last
        kept[-1] = stronger._replace(start=last.start, end=max(last.end, one.end))
    return kept


def _around(others: list[Found], terms: list[Found]) -> Iterator[Found]:
    """Each of `others` without the characters of `terms`; both are in order."""
    first = 0
    for one in others:
        start = one.start
        while first < len(terms) and terms[first].end <= start:
            first += 1
        at = first
        while at < len(terms) and terms[at].start < one.end:
            if terms[at].start > start:
                yield one._replace(start=start, end=terms[at].start)
            start = max(start, terms[at].end)
            at += 1
        if start < one.end:
            yield one._replace(start=start)
