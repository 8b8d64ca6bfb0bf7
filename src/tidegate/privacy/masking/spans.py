"""Stretches of a text that must go: where they stand, which of them are one, and what may be cut in JSON. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from tidegate.core.requests import FimRequest, Request
from tidegate.privacy.texts.joins import FIM_WINDOW, Joined, joined
from tidegate.privacy.texts.passages import JOINED, UNESCAPED, fim_texts, part_texts
from tidegate.privacy.texts.places import Place
from tidegate.privacy.texts.readings import Trail

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Span(NamedTuple):
    """`values`: what was found here, as it stands and as it is read."""

    start: int
    end: int
    kind: str
    code: str
    values: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Span({self.start}, {self.end}, {self.code})"


def merged(spans: Iterable[Span]) -> list[Span]:
    """In their order; those that overlap become one, called as the longest of them."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.start - one.end)):
        last = found[-1] if found else None
        if last is None or span.start >= last.end:
            found.append(span)
            continue
        longest = max(last, span, key=lambda one: one.end - one.start)
        found[-1] = longest._replace(start=last.start, end=max(last.end, span.end))
    return found


class Origins:
    """Where in a request the characters of its passages stand."""

    def __init__(self, request: Request, texts: Mapping[Place, str]) -> None:
        self._request = request
        self._texts = texts
        self._trails: dict[Place, Trail] = {}
        self._joins: dict[Place, Joined] = {}

    def find(self, place: Place, start: int, end: int) -> tuple[Place, int, int] | None:
        """None if nowhere as such, or in two places."""
        if not place.form:
            return place, start, end
        if place.form in UNESCAPED:
            home = place._replace(form="")
            trail = self._trails.get(home) or self._trails.setdefault(home, Trail(self._texts[home]))
            return (home, *trail.back(UNESCAPED.index(place.form), start, end))
        together = self._joins.get(place) or self._joined(place)
        return None if together is None else together.home(start, end)

    def _joined(self, place: Place) -> Joined | None:
        glue = next((glue for glue, form in JOINED.items() if form == place.form), None)
        if glue is None:
            return None
        if isinstance(self._request, FimRequest):
            found = joined(fim_texts(self._request), glue, FIM_WINDOW)
        else:
            found = joined(part_texts(place.at, self._request.messages[place.at]), glue)
        self._joins[place] = found
        return found


def string_spans(text: str, spans: list[Span]) -> list[Span] | None:
    """The spans, widened to whole escapes; None if one is not inside a single string value of this JSON text."""
    strings = [string.span(1) for string in _STRING.finditer(text) if string[2] is None]
    escapes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    found: list[Span] = []
    for span in spans:
        home = _around(strings, span.start)
        if home is None or span.end > home[1]:
            return None
        if home not in escapes:
            escapes[home] = [escape.span() for escape in _ESCAPE.finditer(text, *home)]
        first, last = _around(escapes[home], span.start), _around(escapes[home], span.end)
        start = first[0] if first and span.start < first[1] else span.start
        end = last[1] if last and last[0] < span.end < last[1] else span.end
        found.append(span._replace(start=start, end=end))
    return found


def _around(stretches: list[tuple[int, int]], at: int) -> tuple[int, int] | None:
    """The last stretch, of some in their order, that does not begin behind this place."""
    before = bisect_right(stretches, at, key=lambda one: one[0]) - 1
    return stretches[before] if before >= 0 else None


def value_at(text: str, span: Span, is_json: bool) -> str:
    """What a pseudonym stands for: in JSON what the string says, elsewhere the very characters."""
    written = text[span.start : span.end]
    return orjson.loads(f'"{written}"') if is_json else written
