"""Telephone numbers, Chinese ones by their own plan and the rest of the world's by libphonenumber's.

`phonenumbers` is imported when the first number with a country code is met: it is the largest import of detection.
"""

from __future__ import annotations

from functools import lru_cache

from tidegate.privacy import rules
from tidegate.privacy.patterns.cues import Cue
from tidegate.privacy.patterns.digits import Run
from tidegate.privacy.patterns.found import CUED, SHAPED, Found, Regex, closes

Hit = tuple[int, Found]
"""How many groups it took, and what it is."""

_CUE = Cue(
    r"phone|\btel\b|tel[.:]|telefon|téléphone|teléfono|telefono|mobile|mobil\b|handy(?:nummer)?\b|\bfax|whatsapp|hotline"
    r"|\bcell\b|\bcall (?:me|us|him|her|them|back|on|at|my|our|the)|\bsms\b|\btext (?:me|us)|reach (?:me|us|him|her|them)"
    r"|\bdial\b|\bring (?:me|us|him|her|them)|\bcall-back|switchboard|helpline|help ?desk"
    r"|contact (?:number|no|me|us)|voicemail|landline|\bpager\b|rufnummer|erreichbar|durchwahl|anrufen|(?:m[oó]vil|celular) ?:"
    r"|电话|手机|联系|致电|拨打|传真|座机|热线|来电|短信|號碼|電話|手機|打给|打到|回电|客服|手提|拨号|聯絡|聯繫"
)
_REACHED = Cue(
    r"\b(?:call|ring|dial|reach|contact|answer|text|available)(?:s|e?d|ing|able)?\b[^0-9\n]{0,24}\b(?:at|on|under|via)\b:?"
)
"""Directly in front of the number: farther away these words say nothing."""
_OTHER = Cue(
    r"order|invoice|tracking|ticket|serial|isbn|issn|sku|build|version|parcel|receipt|batch|issue|commit|timestamp|epoch"
    r"|\bid\b|number of|total|count|\bport\b|size|bytes|price|amount|arxiv|\bdoi\b|\brfc|flight"
    r"|订单|单号|流水|编号|发票|快递|运单|序列|批次|金额"
)
_EXTENSION = Regex(r"(?ai)[ ,]{0,2}(?:x|ext\.?|extension|转|分机)[ .:：]{0,2}[0-9]{1,6}(?![0-9A-Za-z])")
_MOBILE_SHAPES = frozenset({(11,), (3, 4, 4), (4, 4, 3), (3, 3, 5), (3, 8), (5, 6), (7, 4), (3, 3, 3, 2)})
_AMERICAN = frozenset({(3, 3, 4), (1, 3, 3, 4), (2, 3, 3, 4), (10,)})
_AREA = Regex(r"010|02[0-57-9]|0[3-9][0-9]{2}")
_TRUNK_MARKS = frozenset({" ", "-", ".", "/", ")", "(", ")-", "）", "（", ")(", "\n"})
_DATES = Regex(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_DATE_SHAPES = frozenset({(4, 2, 2), (2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4), (4, 1, 2), (4, 2, 1)})


def _hit(run: Run, first: int, last: int, code: str, strength: int) -> Hit:
    text, start, end = run.text, run.starts[first], run.ends[last - 1]
    before = text[max(0, start - 2) : start]
    if before.endswith("+"):
        start -= 1
    elif before in ("+ ", "+(", "+（"):
        start -= 2
    if start and text[start - 1] in "(（" and any(mark in ")）" for mark in text[start:end]):
        start -= 1
    if extension := _EXTENSION.match(text, end):
        end = extension.end()
    return last - first, Found(start, end, code, strength)


def _cued(run: Run, first: int) -> bool:
    start = run.starts[first]
    return run.cues.near(_CUE, start) or run.cues.near(_REACHED, start, 3)


def _ends(run: Run, last: int) -> bool:
    end = run.ends[last - 1]
    return closes(run.text, end) or _EXTENSION.match(run.text, end) is not None


def _opened(run: Run, first: int) -> bool:
    start = run.starts[first]
    return start > 0 and run.text[start - 1] in "(（"


def home_phone(run: Run, first: int) -> Hit | None:
    """A Chinese number: mobile, or area code and subscriber."""
    lead = run.text[run.starts[first]]
    if lead not in "018":
        return None
    for last, total in run.windows(first, 11, 15):
        if total == 12 or total == 14:
            continue
        digits = run.digits(first, last)
        named = total - 11
        bare = digits[named:]
        if bare[0] != "1" or bare[1] in "012" or digits[:named] not in ("", "86", "0086") or not _ends(run, last):
            continue
        if not run.alone(first, last) or run.cues.leads_to(_OTHER, run.starts[first]) or run.is_address(first, last):
            continue
        for shape in run.shapes(first, last):
            inner = shape[1:] if named and shape[0] == named else (shape[0] - named, *shape[1:])
            if inner in _MOBILE_SHAPES or run.single_digits(first, last):
                return _hit(run, first, last, rules.CN_PHONE, SHAPED)
    return _landline(run, first) if lead == "0" else None


def _landline(run: Run, first: int) -> Hit | None:
    total = 0
    for last in range(first + 1, min(len(run), first + 3) + 1):
        total += run.sizes[last - 1]
        if not 10 <= total <= 12:
            continue
        digits = run.digits(first, last)
        area = _AREA.match(digits)
        if not area or total - area.end() not in (7, 8) or digits[area.end()] in "019" or not _ends(run, last):
            continue
        parts = last - first
        if parts > 1 and run.sizes[first] != area.end():
            continue
        marked = parts > 1 and (run.marks[first + 1] in ("-", ")-") or _opened(run, first))
        if marked and run.sizes[first + 1] in (3, 4, 7, 8):
            return _hit(run, first, last, rules.CN_PHONE, SHAPED)
        if _cued(run, first):
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
    start = run.starts[first]
    before = run.text[max(0, start - 2) : start]
    if before.endswith("+") or before in ("+(", "+（", "+ "):
        return _international(run, first, 0)
    if run.text.startswith("00", start) and not run.text.startswith("000", start):
        return _international(run, first, 2)
    return _national(run, first) or _by_cue(run, first)


def _international(run: Run, first: int, skipped: int) -> Hit | None:
    start = run.starts[first]
    if start > 1 and not skipped and run.text[start - 2].isalnum() and run.text[start - 2].isascii():
        return None
    total, last = 0, first
    while last < len(run) and total + run.sizes[last] <= 15 + skipped and (last == first or run.marks[last] != "_"):
        total += run.sizes[last]
        last += 1
    cue = _cued(run, first)
    if skipped and "." in run.marks[first + 1 : last]:
        return None
    for end in range(last, max(first, last - 4), -1):
        digits = run.digits(first, end)[skipped:]
        if len(digits) < 7 or not _ends(run, end) or _DATES.match(digits):
            continue
        if end < len(run) and run.marks[end] == "." and end - first == 1:
            continue  # a decimal
        sure = _abroad(digits)
        if sure == 2 or (sure and (cue or (end - first > 1 and not skipped))) or (cue and len(digits) >= 8):
            code = rules.CN_PHONE if digits.startswith("86") else rules.PHONE
            return _hit(run, first, end, code, SHAPED)
    return None


def _national(run: Run, first: int) -> Hit | None:
    zero, opened = run.text[run.starts[first]] == "0", _opened(run, first)
    best: Hit | None = None
    for last in range(first + 2, min(len(run), first + 5) + 1):
        shapes = run.shapes(first, last)
        if sum(shapes[0]) > 12 or not _ends(run, last) or not run.alone(first, last):
            continue
        if shapes[-1][:3] in _DATE_SHAPES or run.is_address(first, last):
            continue
        digits, marks = run.digits(first, last), set(run.marks[first + 1 : last])
        whole, wrapped = len(run) == last, run.wrapped(first, last)
        if "\n" in marks and not (wrapped or opened or marks - {"\n", " ", "."}):
            continue  # a column
        for shape in shapes:
            american = not zero and _is_american(shape, digits, marks, opened)
            if american or (zero and _is_trunk(shape, digits, marks, opened, whole)) or (wrapped and _cut(digits)):
                best = _hit(run, first, last, rules.PHONE, SHAPED)
    return None if best and run.cues.leads_to(_OTHER, run.starts[first]) else best


def _is_american(shape: tuple[int, ...], digits: str, marks: set[str], opened: bool) -> bool:
    """Area, exchange, line; area codes begin with 2 to 9. A dot or a space alone is too common between numbers."""
    if len(shape) == 4 and digits[: shape[0]] in ("1", "01"):
        shape, digits = shape[1:], digits[shape[0] :]
    if shape != (3, 3, 4) or digits[0] in "01":
        return False
    if opened or "-" in marks or ")" in marks:
        return True
    return digits[3] not in "01" and marks <= {".", " ", "\n"}


def _cut(digits: str) -> bool:
    """A number at home in North America, or elsewhere with its leading 0, whatever a line's end made of its groups."""
    if digits[0] == "0":
        return digits[1] != "0" and 10 <= len(digits) <= 12
    return len(digits) == 10 and digits[0] not in "01" and digits[3] not in "01"


def _is_trunk(shape: tuple[int, ...], digits: str, marks: set[str], opened: bool, whole: bool) -> bool:
    """A leading 0 as most of Europe and Asia write it at home."""
    if digits[1] == "0" or len(digits) < 9 or len(shape) == 1 or not marks <= _TRUNK_MARKS:
        return False
    if "." in marks and len(shape) < 3:
        return False  # a decimal
    if shape == (2, 2, 2, 2, 2):
        return whole and len({int(digits[at + 2 : at + 4]) - int(digits[at : at + 2]) for at in (0, 2, 4, 6)}) > 1
    if shape == (5, 4):
        return False  # a postal code of the United States
    return opened or (3 <= shape[0] <= 6 and shape[-1] >= 3) or (shape[0] == 2 and min(shape[1:]) >= 4)


def _dated(shape: tuple[int, ...], digits: str) -> bool:
    if _DATES.match(digits) or shape[:3] in _DATE_SHAPES:
        return True
    return shape[:2] == (4, 4) and digits[:2] in ("19", "20") and digits[4:6] in ("19", "20")


def _by_cue(run: Run, first: int) -> Hit | None:
    """7 to 15 digits behind a word such as phone, the longest that are separated alike."""
    start = run.starts[first]
    if not _cued(run, first) or run.cues.leads_to(_OTHER, start):
        return None
    best: Hit | None = None
    total = 0
    for last in range(first + 1, min(len(run), first + 15) + 1):
        total += run.sizes[last - 1]
        if total > 15:
            break
        if total < 7 or not _ends(run, last):
            continue
        digits = run.digits(first, last)
        if not any(_dated(shape, digits) for shape in run.shapes(first, last)):
            best = _hit(run, first, last, rules.PHONE, CUED)
    return best
