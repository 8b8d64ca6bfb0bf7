"""Names of persons, places and addresses (SEN085, SEN086): the languages' detectors behind one shape, and long texts in
windows.

Runs in a worker process (`privacy/slow/worker_child`), because a language model costs a thousand times what a pattern costs.
Only raises what is known of a text; never decides what becomes of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module, resources
from typing import Any, Protocol

from tidegate.core.findings import Finding
from tidegate.privacy.slow.worker_child import CannotStart

WINDOW_CHARS = 2000
OVERLAP_CHARS = 200
_CUTS = "\n。！？；.!?; \t，,"

MISSING = "[privacy] names = [\"{language}\"] needs {package}: run `pip install 'tidegate[names]'`"


class Language(Protocol):
    def names(self, text: str) -> Iterable[tuple[int, int, str]]:
        """(start, end, code) of all in one window."""
        ...


class NameDetector:
    """One language over texts of any length."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def look(self, text: str, check: Callable[[], None]) -> Iterator[Finding]:
        spans: list[tuple[int, int, str]] = []
        for offset, window in windows(text):
            check()
            spans += ((offset + start, offset + end, code) for start, end, code in self._language.names(window))
        for start, end, code in outermost(merged(spans)):
            yield Finding(code, "name", start, end)


def name_detectors(languages: Sequence[str]) -> list[NameDetector]:
    """`CannotStart` names the extra to install."""
    found: list[NameDetector] = []
    for language in languages:
        try:
            found.append(NameDetector(_language(language)))
        except ModuleNotFoundError as error:
            raise CannotStart(MISSING.format(language=language, package=error.name)) from None
    return found


def _language(name: str) -> Language:
    match name:
        case "en":
            from tidegate.privacy.slow.names_en import EnglishNames

            return EnglishNames()
        case "zh":
            from tidegate.privacy.slow.names_zh import ChineseNames

            return ChineseNames()
        case _:
            raise CannotStart(f"[privacy] names: no names are known for the language {name!r}")


@cache
def countries() -> frozenset[str]:
    """The world's countries in English and Chinese, which the telephone library knows for its own purpose."""
    regions: dict[str, dict[str, str]] = import_module("phonenumbers.geodata.locale").LOCALE_DATA
    found: set[str] = set()
    for names in regions.values():
        for language in ("en", "zh"):
            name = names.get(language, "")
            # "*aa": as in the language aa.
            found.add((names.get(name[1:], "") if name.startswith("*") else name).lower())
    return frozenset(found - {""})


def lists(language: str) -> dict[str, Any]:
    """The word lists of one language."""
    return tomllib.loads(
        resources.files("tidegate.privacy.slow").joinpath("name_lists.toml").read_text(encoding="utf-8")
    )[language]


def windows(text: str, size: int = WINDOW_CHARS, overlap: int = OVERLAP_CHARS) -> Iterator[tuple[int, str]]:
    """(offset, window): cut after a sentence or a word where there is one, and overlapping, so that a name on the edge
    of one window is whole in another."""
    start = 0
    while len(text) - start > size:
        end = start + size
        cut = next((at for at in range(end, end - overlap // 2, -1) if text[at - 1] in _CUTS), end)
        yield start, text[start:cut]
        start = cut - overlap
    yield start, text[start:]


def merged(spans: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """What overlaps and is of one code becomes one: the parts that two windows saw, or a place inside its address."""
    whole: list[tuple[int, int, str]] = []
    for start, end, code in sorted(spans, key=lambda span: (span[2], span[0], -span[1])):
        if whole and whole[-1][2] == code and start < whole[-1][1]:
            first, last, _ = whole[-1]
            whole[-1] = (first, max(last, end), code)
        else:
            whole.append((start, end, code))
    return whole


def outermost(spans: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Without what lies inside something longer of the other code: a surname that is a town's name too, a street that is
    called after somebody."""
    for start, end, code in spans:
        if not any(
            other != code and first <= start and end <= last and last - first > end - start
            for first, last, other in spans
        ):
            yield start, end, code
