"""Numbers with letters in them whose check digits say that they are real: IBAN and Chinese company codes.

Both are written in groups as people please; check digits allow what a shape alone would not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidegate.privacy import rules
from tidegate.privacy.patterns.cues import Cue
from tidegate.privacy.patterns.found import CHECKED, CUED, Detector, Found, Regex, closes, cued, opens

_GAP = r"(?:(?:[ \t]{1,3}(?:[.\-_/·][ \t]{0,3})?|[.\-_/·][ \t]{0,3})?|[ \t]?[.\-]?[ \t]?\r?\n(?:> ?|[ \t]{1,8})?)"
_CHUNK = Regex(f"({_GAP})([A-Za-z0-9]{{1,40}})")
_GATE_GAP = r"(?:[ .\-_/·\t]{0,3}|[ .\-]{0,3}\r?\n[ \t>]{0,8})"
_EDGE = r"(?:\b|_|\\[nrtbf])"


class Grouped(NamedTuple):
    """Letters and digits without what stood between; `marks` is what did: "\\n", " ", or a sign."""

    characters: str
    end: int
    sizes: tuple[int, ...]
    marks: tuple[str, ...]

    @property
    def apart(self) -> bool:
        """Whether every character stands for itself."""
        return len(self.sizes) == len(self.characters)

    @property
    def unwrapped(self) -> tuple[int, ...]:
        """How long the groups are if the ends of lines cut groups in two."""
        sizes = [self.sizes[0]]
        for mark, size in zip(self.marks, self.sizes[1:], strict=True):
            if mark == "\n":
                sizes[-1] += size
            else:
                sizes.append(size)
        return tuple(sizes)


def grouped(text: str, start: int, count: int) -> Grouped | None:
    """The next `count` letters and digits, if a group ends there and one mark, or a space, parts them."""
    parts: list[str] = []
    sizes: list[int] = []
    marks: list[str] = []
    end, total = start, 0
    while total < count:
        chunk = _CHUNK.match(text, end)
        if chunk is None or (not parts and chunk[1]):
            return None
        if parts:
            marks.append("\n" if "\n" in chunk[1] else chunk[1].strip() or " ")
        parts.append(chunk[2])
        sizes.append(len(chunk[2]))
        total += sizes[-1]
        end = chunk.end()
    if total > count or len(set(marks) - {"\n", " "}) > 1:
        return None
    return Grouped("".join(parts), end, tuple(sizes), tuple(marks))


_IBAN_PLACES = Cue(rf"{_EDGE}(?:[a-z]{{2}}[ .\-]?[0-9]{{2}}|[a-z][ .\-]{{1,3}}[a-z](?:[ .\-]{{1,3}}[0-9]){{2}})")
_IBAN_HEAD = Regex(r"(?:_|\\[nrtbf])?(?=([A-Za-z])[ .\-]{0,3}([A-Za-z]))")
_IBAN_LENGTHS = {
    length: frozenset(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
}
IBAN_LENGTH = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries}


def _ibans(text: str) -> Iterator[Found]:
    done = 0
    for place in _IBAN_PLACES.starts(text):
        head = _IBAN_HEAD.match(text, place)
        if head is None:
            continue
        start, country = head.end(), (head[1] + head[2]).upper()
        if start < done or country not in IBAN_LENGTH:
            continue
        found = grouped(text, start, IBAN_LENGTH[country])
        if found is None or not closes(text, found.end):
            continue
        number = found.characters
        # In groups or with other marks than spaces, small letters are words.
        if number != number.upper() and (set(found.marks) - {" ", "-", "\n"} or found.apart or found.sizes[0] < 4):
            continue
        number = number.upper()
        if number[2:4].isdigit() and int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1:
            done = found.end
            yield Found(start, done, rules.IBAN, CHECKED, "valid")


_USCC = Regex(rf"[159ANYany](?=[0-9A-Za-z][0-9]{{6}}[0-9A-Za-z]{{10}}|{_GAP}[0-9A-Z](?:{_GAP}[0-9]){{6}})")
_USCC_CUE = Regex(
    r"信用代码|税号|纳税人|营业执照|企业代码|公司代码"
    r"|(?ai:\buscc|credit[ _-]?code|company[ _-]?code|business licen[sc]e|taxpayer)"
)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_LETTERS = frozenset(_USCC_ALPHABET)
_USCC_SHAPES = frozenset(
    {(2, 6, 9, 1), (2, 6, 10), (8, 10), (8, 9, 1), (1, 1, 6, 9, 1), (4, 4, 4, 4, 2), (2, 4, 4, 4, 4), (6, 6, 6), (9, 9)}
    | {
        (2, 16),
        (17, 1),
        (6, 12),
        (8, 8, 2),
        (2, 6, 8, 2),
        (2, 6, 8, 1, 1),
        (5, 5, 5, 3),
        (3,) * 6,
        (2,) * 9,
        (1,) * 18,
        (18,),
    }
)
_PROVINCE = Regex("1[0-5]|2[123]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")


def _companies(text: str) -> Iterator[Found]:
    done = 0
    for head in _USCC.finditer(text):
        start = head.start()
        if start < done or not opens(text, start) or _in_a_list(text, start):
            continue
        found = grouped(text, start, 18)
        if found is None or not closes(text, found.end):
            continue
        code, whole = found.characters.upper(), len(found.sizes) == 1
        if sum(map(str.isdigit, code)) < 8 or not set(code) <= _USCC_LETTERS:
            continue
        named = cued(_USCC_CUE, text, start, 24)
        if (whole or _likely(found, code, named)) and _has_check_digit(code):
            done = found.end
            yield Found(start, done, rules.USCC, CHECKED, "valid")
        elif whole and named:
            yield Found(start, found.end, rules.USCC, CUED)


def _in_a_list(text: str, at: int) -> bool:
    """Whether a digit stands alone behind another one: a code that is spelled out begins with the first of them."""
    mark = text[at + 1 : at + 2]
    return not mark.isalnum() and at > 1 and text[at - 1] == mark and text[at - 2].isdigit()


def _has_check_digit(code: str) -> bool:
    total = sum(_USCC_ALPHABET.find(letter) * pow(3, at, 31) for at, letter in enumerate(code[:17]))
    return _USCC_ALPHABET[(31 - total % 31) % 31] == code[17]


def _likely(found: Grouped, code: str, named: bool) -> bool:
    """One of 31 chances is too much for any groups of digits: a province, groups as people write them, and a letter."""
    if not _PROVINCE.match(code, 2) or (code.isdigit() and not named):
        return False
    if found.characters != code:
        return False
    return named or found.sizes in _USCC_SHAPES or found.unwrapped in _USCC_SHAPES


REGISTERED = (
    Detector(
        "iban",
        rf"(?i:{_EDGE}[a-z]{{2}}[0-9]{{2}}(?:[ \-\n\r]{{0,2}}[a-z0-9]){{11}})"
        rf"|{_EDGE}[A-Z](?:[ .\-]{{1,3}}[A-Z](?:[ .\-]{{1,3}}[0-9]){{2}}|[A-Z][ .\-]?[0-9]{{2}})(?:{_GATE_GAP}[A-Z0-9]){{11}}",
        _ibans,
        reach=448,
    ),
    Detector(
        "companies",
        rf"(?i:{_EDGE}[159ANY][0-9A-Z][0-9]{{6}}[0-9A-Z]{{10}})"
        rf"|{_EDGE}[159ANY]{_GATE_GAP}[0-9A-Z](?:{_GATE_GAP}[0-9]){{6}}(?:{_GATE_GAP}[0-9A-Z]){{10}}",
        _companies,
        reach=256,
    ),
)
