"""Telephone numbers, Chinese ones by their own plan and the rest of the world's by libphonenumber's.

`phonenumbers` is imported when the first number with a country code is met: it is the largest import of detection.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tidegate.privacy import rules
from tidegate.privacy.digits import Run
from tidegate.privacy.found import CUED, SHAPED, Found, closes, cued

_CUE = re.compile(
    r"(?ai)phone|\btel\b|tel[.:]|telefon|téléphone|teléfono|telefono|mobile|mobil\b|handy|\bcell|\bcall|\bfax|\bcontact|whatsapp|hotline"
    r"|\bsms\b|\btext (?:me|us)|\bring\b|dial|reach (?:me|us|him|her|them)|voicemail|landline|pager"
    r"|电话|手机|联系|致电|拨打|传真|座机|热线|来电|短信|號碼|電話|手機"
)
_OTHER = re.compile(
    r"(?ai)(?:order|invoice|tracking|ticket|serial|isbn|issn|sku|build|version|parcel|receipt|batch|issue|commit|timestamp|epoch"
    r"|\bid|number of|total|count|port|size|bytes|price|amount|arxiv|doi|rfc|flight|订单|单号|流水|编号|发票|快递|运单|序列|批次|金额)"
    r"[^0-9\n]{0,12}$"
)
_EXTENSION = re.compile(r"(?ai)[ ,]{0,2}(?:x|ext\.?|extension|转|分机)[ .:：]{0,2}[0-9]{1,6}(?![0-9A-Za-z])")
_MOBILE_SHAPES = frozenset({(11,), (3, 4, 4), (4, 4, 3), (3, 3, 5), (3, 8), (5, 6), (7, 4), (3, 3, 3, 2)})
_AREA = re.compile(r"010|02[0-57-9]|0[3-9][0-9]{2}")
_TRUNK_MARKS = frozenset({" ", "-", "/", ")", ") ", "(", ")-", "）", "（", ")(", "\n"})
_DATES = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
Hit = tuple[int, Found]


def _hit(run: Run, first: int, last: int, code: str, strength: int) -> Hit:
    text, start, end = run.text, run.places[first][0], run.places[last - 1][1]
    while start and text[start - 1] in "+(（":
        start -= 1
    if extension := _EXTENSION.match(text, end):
        end = extension.end()
    return last - first, Found(start, end, code, strength)


def _ends(run: Run, last: int) -> bool:
    end = run.places[last - 1][1]
    return closes(run.text, end) or _EXTENSION.match(run.text, end) is not None


def _plus(run: Run, first: int) -> bool:
    start = run.places[first][0]
    before = run.text[max(0, start - 2) : start]
    return before.endswith("+") or before in ("+(", "+（", "+ ")


def home_phone(run: Run, first: int) -> Hit | None:
    """A Chinese number: mobile, or area code and subscriber."""
    lead = run.text[run.places[first][0]]
    if lead not in "018":
        return None
    for last, total in run.windows(first, 10, 15):
        digits = run.digits(first, last)
        bare = re.sub(r"^(?:0086|86)", "", digits) if total > 12 else digits
        if len(bare) == 11 and bare[0] == "1" and bare[1] in "3456789":
            if not _ends(run, last) or not run.alone(first, last) or cued(_OTHER, run.text, run.places[first][0], 24):
                continue
            named = len(digits) - len(bare)
            for shape in run.shapes(first, last):
                inner = shape[1:] if named and shape[0] == named else (shape[0] - named, *shape[1:])
                if inner in _MOBILE_SHAPES or run.single_digits(first, last):
                    return _hit(run, first, last, rules.CN_PHONE, SHAPED)
    return _landline(run, first)


def _landline(run: Run, first: int) -> Hit | None:
    for last in range(first + 1, min(len(run), first + 3) + 1):
        digits = run.digits(first, last)
        if not 10 <= len(digits) <= 12 or not (area := _AREA.match(digits)) or not _ends(run, last):
            continue
        subscriber = digits[area.end() :]
        if len(subscriber) not in (7, 8) or subscriber[0] not in "2345678":
            continue
        if last - first > 1 and run.size(first) != area.end():
            continue
        opened = run.text[run.places[first][0] - 1 : run.places[first][0]] in ("(", "（")
        marked = last - first > 1 and (run.kind(first + 1) in ("-", ")-") or opened)
        if marked and run.size(first + 1) in (3, 4, 7, 8):
            return _hit(run, first, last, rules.CN_PHONE, SHAPED)
        if cued(_CUE, run.text, run.places[first][0]):
            return _hit(run, first, last, rules.CN_PHONE, CUED)
    return None


@lru_cache(maxsize=1024)
def _abroad(digits: str) -> int:
    """2: the country gives such numbers; 1: of a possible length; 0: neither."""
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return 0
    if phonenumbers.is_valid_number(number):
        return 2
    return 1 if phonenumbers.is_possible_number(number) else 0


def phone(run: Run, first: int) -> Hit | None:
    if _plus(run, first):
        return _international(run, first, 0)
    if run.text.startswith("00", run.places[first][0]) and not run.text.startswith("000", run.places[first][0]):
        return _international(run, first, 2)
    return _national(run, first)


def _international(run: Run, first: int, skipped: int) -> Hit | None:
    start = run.places[first][0]
    if start > 1 and run.text[start - 2].isalnum() and run.text[start - 2].isascii():
        return None
    total, last = 0, first
    while last < len(run) and total + run.size(last) <= 15 + skipped and (last == first or run.kind(last) != "_"):
        total += run.size(last)
        last += 1
    cue = cued(_CUE, run.text, start)
    for end in range(last, max(first, last - 4), -1):
        digits = run.digits(first, end)[skipped:]
        if len(digits) < 7 or not _ends(run, end) or _DATES.match(digits):
            continue
        sure = _abroad(digits)
        if sure == 2 or (sure and (cue or (end - first > 1 and not skipped))) or (cue and len(digits) >= 8):
            code = rules.CN_PHONE if digits.startswith("86") else rules.PHONE
            return _hit(run, first, end, code, SHAPED)
    return None


def _national(run: Run, first: int) -> Hit | None:
    start = run.places[first][0]
    opened = run.text[start - 1 : start] in ("(", "（")
    best: Hit | None = None
    for last in range(first + 1, min(len(run), first + 6) + 1):
        digits = run.digits(first, last)
        if len(digits) > 15:
            break
        if len(digits) < 7 or not _ends(run, last):
            continue
        shape = run.shapes(first, last)[-1]
        if _dated(shape, digits):
            continue
        marks = {run.kind(index) for index in range(first + 1, last)}
        if _is_american(shape, digits, marks, opened) or _is_trunk(shape, digits, marks, opened, len(run) == last):
            if not run.alone(first, last) or cued(_OTHER, run.text, start, 24):
                continue
            best = _hit(run, first, last, rules.PHONE, SHAPED)
    return best or _by_cue(run, first)


def _is_american(shape: tuple[int, ...], digits: str, marks: set[str], opened: bool) -> bool:
    """Area, exchange, line; area codes begin with 2 to 9. A dot or a space alone is too common between numbers."""
    if shape in ((1, 3, 3, 4), (2, 3, 3, 4)) and digits[: shape[0]] in ("1", "01"):
        shape, digits = shape[1:], digits[shape[0] :]
    if shape != (3, 3, 4) or digits[0] in "01":
        return False
    if opened or "-" in marks or ")" in marks:
        return True
    return digits[3] not in "01" and marks <= {".", " ", "\n"}


def _is_trunk(shape: tuple[int, ...], digits: str, marks: set[str], opened: bool, whole: bool) -> bool:
    """A leading 0 as most of Europe and Asia write it at home."""
    if digits[0] != "0" or digits[1] == "0" or not 9 <= len(digits) <= 12 or len(shape) == 1 or not marks <= _TRUNK_MARKS:
        return False
    if shape == (2, 2, 2, 2, 2):
        return whole and len({int(digits[at + 2 : at + 4]) - int(digits[at : at + 2]) for at in (0, 2, 4, 6)}) > 1
    return opened or (3 <= shape[0] <= 6 and shape[-1] >= 3) or (shape[0] == 2 and min(shape[1:]) >= 4)


def _dated(shape: tuple[int, ...], digits: str) -> bool:
    if _DATES.match(digits):
        return True
    return shape[:3] in ((4, 2, 2), (2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4), (4, 1, 2), (4, 2, 1)) or shape[:2] == (4, 4) and (
        digits[:2] in ("19", "20") and digits[4:6] in ("19", "20")
    )


def _by_cue(run: Run, first: int) -> Hit | None:
    """7 to 15 digits behind a word such as phone, the longest that are separated alike."""
    start = run.places[first][0]
    if not cued(_CUE, run.text, start) or cued(_OTHER, run.text, start, 24):
        return None
    best: Hit | None = None
    for last in range(first + 1, min(len(run), first + 15) + 1):
        digits = run.digits(first, last)
        if len(digits) > 15:
            break
        if len(digits) >= 7 and _ends(run, last) and not any(_dated(shape, digits) for shape in run.shapes(first, last)):
            best = _hit(run, first, last, rules.PHONE, CUED)
    return best
