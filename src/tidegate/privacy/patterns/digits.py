"""Runs of digits as people write them: in groups, with spaces, dashes, dots or a line's end between.

One walk over a text; which number a run is, the files beside this one say.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.privacy.patterns.cues import Cues
from tidegate.privacy.patterns.found import Regex, opens

_RUN = Regex(r"[0-9][0-9 ().\-/\n\r\t_（）>]*")
_GROUP = Regex(r"[0-9]+")
_GAP = Regex(
    r"[ \t]{0,2}(?:[.\-/_]|[)）](?:[ \t]?-)?[ \t]?[(（]?|[(（])?[ \t]{0,2}|[ \t]?-?[ \t]?\r?\n(?:> ?|[ \t]{1,8})?"
)
_WORD_BEFORE = Regex(r"[^\W\d_][:：,，]? ?[(（]?$")
_WORD_BEHIND = Regex(r"\s?[^\W\d_]|[.,;，。；、!！?？)）]?(?:\s|$)(?!\s*[0-9])")
_COMMON = frozenset((" ", "-", "."))
_LONGEST_GAP = 12
_TIES = frozenset("-._/")
SHORTEST = 7

GATE = r"(?:\b|_|\\[nrtbf])[0-9](?:[ ().\-/_（）\t]{0,3}[0-9]|[ \t]?-?\r?\n(?:> ?|[ \t]{1,8})?[0-9]){6}"
PLACES = r"[0-9](?:[ ().\-/\n\r\t_（）>]{0,12}[0-9]){6}"
"""Whatever else the gate asks for, without this there is no run."""


class Run:
    """Groups of digits: where each stands, how long it is, and the mark before it (" ", "-", "\\n"; the first has "")."""

    __slots__ = ("cues", "ends", "marks", "sizes", "starts", "text")

    def __init__(self, cues: Cues, starts: list[int], ends: list[int], marks: list[str]) -> None:
        self.cues = cues
        self.text = cues.text
        self.starts = starts
        self.ends = ends
        self.marks = marks
        self.sizes = tuple([end - start for start, end in zip(starts, ends, strict=True)])

    def __len__(self) -> int:
        return len(self.starts)

    def digits(self, first: int, last: int) -> str:
        if last - first == 1:
            return self.text[self.starts[first] : self.ends[first]]
        return "".join([self.text[self.starts[at] : self.ends[at]] for at in range(first, last)])

    def shapes(self, first: int, last: int) -> tuple[tuple[int, ...], ...]:
        """How long the groups are; if a line ends between, also as if it cut a group in two."""
        sizes = self.sizes[first:last]
        if "\n" not in self.marks[first + 1 : last]:
            return (sizes,)
        joined = [sizes[0]]
        for at in range(first + 1, last):
            if self.marks[at] == "\n":
                joined[-1] += self.sizes[at]
            else:
                joined.append(self.sizes[at])
        return sizes, tuple(joined)

    def windows(self, first: int, least: int, most: int) -> Iterator[tuple[int, int]]:
        """(end, digits) of what could be one number from here on: the same mark between all its groups."""
        total, mark = 0, ""
        for at in range(first, min(len(self.starts), first + most)):
            if at > first and (this := self.marks[at]) != "\n":
                if mark and this != mark:
                    return
                mark = this
            total += self.sizes[at]
            if total > most:
                return
            if total >= least:
                yield at + 1, total

    def alone(self, first: int, last: int) -> bool:
        """Whether no dash or dot ties the window to further groups, as in a version, a decimal or a longer code."""
        return self.marks[first] not in _TIES and (last == len(self.starts) or self.marks[last] not in _TIES)

    def is_address(self, first: int, last: int) -> bool:
        """Whether it is written as IPv4 is: four numbers below 256 with dots."""
        if last - first != 4 or set(self.marks[first + 1 : last]) != {"."}:
            return False
        return all(int(self.digits(at, at + 1)) < 256 for at in range(first, last))

    def wrapped(self, first: int, last: int) -> bool:
        """Whether a line of prose ends in the window: a word stands before, and behind a word or the end of a sentence."""
        if "\n" not in self.marks[first + 1 : last]:
            return False
        start, end = self.starts[first], self.ends[last - 1]
        before = _WORD_BEFORE.search(self.text, max(0, start - 4), start)
        return before is not None and _WORD_BEHIND.match(self.text, end) is not None

    def single_digits(self, first: int, last: int) -> bool:
        """Whether the window is exactly one stretch of digits that stand one by one."""
        if self.sizes[first] != 1 or any(size != 1 for size in self.sizes[first:last]):
            return False
        return (first == 0 or self.sizes[first - 1] != 1) and (last == len(self.starts) or self.sizes[last] != 1)

    def can_start(self, at: int) -> bool:
        """Where digits stand one by one or in pairs, a number begins with the first of them only."""
        if at == 0:
            return opens(self.text, self.starts[0])
        return not self.sizes[at] == self.sizes[at - 1] <= 2


def runs(text: str) -> Iterator[Run]:
    cues = Cues(text)
    for found in _RUN.finditer(text):
        if found.end() - found.start() < SHORTEST:
            continue
        starts: list[int] = []
        ends: list[int] = []
        marks: list[str] = []
        count = 0
        for group in _GROUP.finditer(text, found.start(), found.end()):
            start, end = group.span()
            mark = _mark(text[ends[-1] : start]) if ends else ""
            if mark is None:
                if count >= SHORTEST:
                    yield Run(cues, starts, ends, marks)
                starts, ends, marks, count, mark = [], [], [], 0, ""
            starts.append(start)
            ends.append(end)
            marks.append(mark)
            count += end - start
        if count >= SHORTEST:
            yield Run(cues, starts, ends, marks)


def _mark(gap: str) -> str | None:
    """None: too much stands between for one number."""
    if gap in _COMMON:
        return gap
    if len(gap) > _LONGEST_GAP or not _GAP.fullmatch(gap):
        return None
    return "\n" if "\n" in gap else gap.strip() or " "
