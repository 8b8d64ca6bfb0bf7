"""Runs of digits as people write them: in groups, with spaces, dashes, dots or a line's end between.

One walk over a text; which number a run is, the files beside this one say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.privacy.found import opens

_RUN = re.compile(r"[0-9][0-9 ().\-/\n\r\t_（）>]*")
_GROUP = re.compile(r"[0-9]+")
_GAP = re.compile(
    r"[ \t]{0,2}(?:[.\-/_]|[)）](?:[ \t]?-)?[ \t]?[(（]?|[(（])?[ \t]{0,2}|[ \t]?-?[ \t]?\r?\n(?:> ?|[ \t]{1,8})?"
)
_LONGEST_GAP = 12
SHORTEST = 7

GATE = r"[0-9](?:[ ().\-/_（）\t]{0,3}[0-9]|[ \t]?-?\r?\n(?:> ?|[ \t]{1,8})?[0-9]){6}"


@dataclass(slots=True)
class Run:
    """Groups `places[i]` of digits with `gaps[i]` before each; the first has none."""

    text: str
    places: list[tuple[int, int]]
    gaps: list[str]

    def __len__(self) -> int:
        return len(self.places)

    def size(self, index: int) -> int:
        start, end = self.places[index]
        return end - start

    def digits(self, first: int, last: int) -> str:
        return "".join([self.text[start:end] for start, end in self.places[first:last]])

    def kind(self, index: int) -> str:
        """What separates this group from the one before: a line's end, a mark, or " "."""
        gap = self.gaps[index]
        return "\n" if "\n" in gap else gap.strip() or " "

    def shapes(self, first: int, last: int) -> list[tuple[int, ...]]:
        """How long the groups are; if a line ends between, also as if it cut a group in two."""
        sizes = [self.size(index) for index in range(first, last)]
        joined: list[int] = []
        for index, size in zip(range(first, last), sizes, strict=True):
            if joined and "\n" in self.gaps[index]:
                joined[-1] += size
            else:
                joined.append(size)
        return [tuple(sizes)] if len(joined) == len(sizes) else [tuple(sizes), tuple(joined)]

    def windows(self, first: int, least: int, most: int) -> Iterator[tuple[int, int]]:
        """(end, digits) of what could be one number from here on: the same mark between all its groups."""
        total, mark = 0, ""
        for index in range(first, min(len(self.places), first + most)):
            if index > first and (kind := self.kind(index)) != "\n":
                if mark and kind != mark:
                    return
                mark = kind
            total += self.size(index)
            if total > most:
                return
            if total >= least:
                yield index + 1, total

    def alone(self, first: int, last: int) -> bool:
        """Whether no dash or dot ties the window to further groups, as in a version, a decimal or a longer code."""
        before = self.kind(first) if first else ""
        after = self.kind(last) if last < len(self.places) else ""
        return before not in _TIES and after not in _TIES

    def single_digits(self, first: int, last: int) -> bool:
        """Whether the window is exactly one stretch of digits that stand one by one."""
        if any(self.size(index) != 1 for index in range(first, last)):
            return False
        return (first == 0 or self.size(first - 1) != 1) and (last == len(self.places) or self.size(last) != 1)

    def starts(self, index: int) -> bool:
        return index > 0 or opens(self.text, self.places[0][0])


_TIES = frozenset("-._/")


def runs(text: str) -> Iterator[Run]:
    for found in _RUN.finditer(text):
        if found.end() - found.start() < SHORTEST:
            continue
        places: list[tuple[int, int]] = []
        gaps: list[str] = []
        count = 0
        for group in _GROUP.finditer(text, found.start(), found.end()):
            start, end = group.span()
            gap = text[places[-1][1] : start] if places else ""
            if places and (len(gap) > _LONGEST_GAP or not _GAP.fullmatch(gap)):
                if count >= SHORTEST:
                    yield Run(text, places, gaps)
                places, gaps, count, gap = [], [], 0, ""
            places.append((start, end))
            gaps.append(gap)
            count += end - start
        if count >= SHORTEST:
            yield Run(text, places, gaps)
