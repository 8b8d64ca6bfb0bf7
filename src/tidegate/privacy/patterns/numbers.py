"""Numbers with check digits or a fixed shape: cards, Chinese identity numbers, social security and account numbers.

Every run of digits is tried group by group, the surest kind first; telephones (`phones.py`) come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tidegate.privacy import rules
from tidegate.privacy.patterns.cues import Cue
from tidegate.privacy.patterns.digits import GATE, PLACES, Run, runs
from tidegate.privacy.patterns.found import CHECKED, CUED, SHAPED, Detector, Found, Regex, closes
from tidegate.privacy.patterns.phones import Hit, home_phone, phone

_CARD_CUE = Cue(r"card|visa|master ?card|amex|american express|maestro|\bcc\b|卡")
_BANK_CUE = Cue(r"银行|卡号|卡[:：]|借记卡|储蓄卡|信用卡|bank ?card|unionpay|debit card")
_ACCOUNT_CUE = Cue(
    r"(?:bank|checking|savings|deposit) account|account (?:no|num|nr|#)|\bacct|\ba/c\b|routing|\baba (?:no|num|rout)|sort code"
    r"|kontonummer|账号|帐号|账户|帐户|对公户"
)
_SSN = (
    r"\bssn|_ssn|\bss ?(?:#|no\b|num)|social[ _-]?(?:sec|insurance|number)|socialsec|\bssa\b|taxpayer|\btin\b|\bitin\b"
    r"|社会安全|社會安全|社安|社保|社会保障|社会保险|税号"
)
_SSN_CUE = Cue(_SSN)
_SSN_BEHIND = Regex(rf"(?ai)[^0-9\n]{{0,24}}?(?:{_SSN})")
_ID_CUE = Cue(r"身份证|证件号|id ?card|identity (?:card|num|no)|resident id|citizen id|national id|\bid\b")
OTHER_CUE = Cue(
    r"order|invoice|tracking|ticket|serial|isbn|issn|sku|build|version|parcel|receipt|batch|issue|commit|timestamp|epoch"
    r"|订单|单号|流水|编号|发票|快递|运单|序列|批次"
)
_CARD_SHAPES = frozenset(
    {(4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3), (4, 6, 5), (4, 6, 4)}
    | {(6, 13), (6, 10), (6, 6), (6, 4, 5), (2,) * 8, (6, 6, 4), (4, 5, 6), (5, 5, 5), (5, 4, 6)}
)
_ID_SHAPES = frozenset(
    {
        (6, 8, 4),
        (6, 4, 4, 4),
        (3, 3, 4, 4, 4),
        (6, 8, 3),
        (6, 4, 4, 3),
        (3, 3, 4, 4, 3),
        (6, 6, 6),
        (4, 4, 4, 4, 2),
        (14, 4),
    }
)
_BRANDS: tuple[tuple[Regex, frozenset[int]], ...] = tuple(
    (Regex(start), frozenset(lengths))
    for start, lengths in (
        ("4", (13, 16, 19)),
        ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
        ("3[47]", (15,)),
        ("30[0-5]|3095|36|3[89]", (14, 16, 19)),
        ("6011|64[4-9]|65", (16, 19)),
        ("352[89]|35[3-8]", (16, 17, 18, 19)),
        ("2131|1800", (15,)),
        ("62|81", (16, 17, 18, 19)),
        ("50(?:18|20|38)|5893|6304|67(?:59|6[1-3]|67)|6390|0604", (12, 13, 14, 15, 16, 17, 18, 19)),
        ("220[0-4]|9792|60|82|508|636|50[69]|5[678]|6[0379]", (16,)),
        ("9558", (19,)),
    )
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B. python-stdnum's takes 20 times as long, and this runs for every long number."""
    total = sum(map(int, digits[-1::-2]))
    for digit in digits[-2::-2]:
        doubled = 2 * int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    return any(len(digits) in lengths and start.match(digits) for start, lengths in _BRANDS)


def _grouped(run: Run, first: int, last: int, shapes: frozenset[tuple[int, ...]]) -> bool:
    """Whether the groups are those of print, or one, or digit by digit."""
    for shape in run.shapes(first, last):
        if len(shape) == 1 or shape in shapes:
            return True
        # Fours, some of them glued by a character without width that was folded away.
        if shapes is _CARD_SHAPES and all(size in (4, 8, 12) for size in shape):
            return True
    return run.single_digits(first, last)


def long_number(run: Run, first: int) -> Hit | None:
    """What has 9 digits or more in one piece or in like groups: the longest card, or the first identity number."""
    best: Hit | None = None
    for last, total in run.windows(first, 9, 19):
        if total < 12 and total != 9:
            continue
        if not run.alone(first, last):
            continue
        hit: Hit | None = None
        if total in (15, 17, 18):
            hit = _identity(run, first, last, total)
        elif total == 9:
            hit = _social_security(run, first, last)
        if hit:
            return hit
        if total >= 12:
            best = _card(run, first, last, total) or best
    return best


def _card(run: Run, first: int, last: int, total: int) -> Hit | None:
    start, end = run.starts[first], run.ends[last - 1]
    if not closes(run.text, end) or not _grouped(run, first, last, _CARD_SHAPES):
        return None
    digits = run.digits(first, last)
    right, near = luhn(digits) and len(set(digits)) > 1, run.cues.near
    if right and ((_is_card(digits) and not run.cues.leads_to(OTHER_CUE, start)) or near(_CARD_CUE, start)):
        code = rules.BANK_CARD if digits.startswith("62") else rules.CARD
        return last - first, Found(start, end, code, CHECKED, "valid")
    if total >= 16 and near(_BANK_CUE, start, 16):
        return last - first, Found(start, end, rules.BANK_CARD, CUED)
    return None


def _birth(digits: str) -> bool:
    return "1900" <= digits[:4] <= "2029" and "01" <= digits[4:6] <= "12" and "01" <= digits[6:8] <= "31"


def _identity(run: Run, first: int, last: int, total: int) -> Hit | None:
    """A Chinese resident identity number; its last character may be an X."""
    text, start, end = run.text, run.starts[first], run.ends[last - 1]
    digits = run.digits(first, last)
    if not _birth("19" + digits[6:12] if total == 15 else digits[6:14]) or not _grouped(run, first, last, _ID_SHAPES):
        return None
    if total == 15:
        found = closes(text, end) and run.cues.near(_ID_CUE, start, 24)
        return (last - first, Found(start, end, rules.CN_ID, CUED)) if found else None
    if total == 17:
        end += 1 if text[end : end + 1] in (" ", "-") and text[end + 1 : end + 2] in ("X", "x") else 0
        if text[end : end + 1] not in ("X", "x"):
            return None
        digits, end = digits + "X", end + 1
    if digits[0] not in "12345689" or not closes(text, end):
        return None
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11]
    if digits[17] == check:
        return last - first, Found(start, end, rules.CN_ID, CHECKED, "valid")
    if run.cues.near(_ID_CUE, start, 24):
        return last - first, Found(start, end, rules.CN_ID, CUED)
    return None


def _social_security(run: Run, first: int, last: int) -> Hit | None:
    shapes = run.shapes(first, last)
    grouped = (3, 2, 4) in shapes
    cut = "\n" in run.marks[first + 1 : last]  # a line may end anywhere in it
    if not grouped and (9,) not in shapes and not cut and not run.single_digits(first, last):
        return None
    start, end = run.starts[first], run.ends[last - 1]
    if not closes(run.text, end):
        return None
    digits = run.digits(first, last)
    given = digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
    if grouped and given and run.marks[first + 1] not in ("/", "_"):
        return last - first, Found(start, end, rules.SSN, SHAPED)
    if run.cues.near(_SSN_CUE, start) or (given and _SSN_BEHIND.match(run.text, end)):
        return last - first, Found(start, end, rules.SSN, CUED)
    return None


def account(run: Run, first: int) -> Hit | None:
    """Only where the cue stands directly before."""
    start = run.starts[first]
    if not run.cues.leads_to(_ACCOUNT_CUE, start, 24):
        return None
    best: Hit | None = None
    for last, _ in run.windows(first, 6, 19):
        if closes(run.text, run.ends[last - 1]):
            best = last - first, Found(start, run.ends[last - 1], rules.ACCOUNT, CUED)
    return best


_KINDS: tuple[Callable[[Run, int], Hit | None], ...] = (long_number, home_phone, phone, account)


def find_numbers(text: str) -> Iterator[Found]:
    for run in runs(text):
        at = 0
        while at < len(run):
            took = 1
            if run.can_start(at):
                for kind in _KINDS:
                    if hit := kind(run, at):
                        took, found = hit
                        yield found
                        break
            at += took


def _find_numerals(text: str) -> Iterator[Found]:
    """Digits written as Chinese numerals, one for one, as they are dictated."""
    for spoken in _NUMERALS.finditer(text):
        for found in find_numbers(spoken[0].translate(_AS_DIGITS)):
            yield found._replace(start=spoken.start() + found.start, end=spoken.start() + found.end)


_NUMERALS = Regex("[〇零一二三四五六七八九幺0-9]{7,24}")
_AS_DIGITS = str.maketrans("〇零一二三四五六七八九幺", "001234567891")
NUMBERS = (
    Detector("numbers", GATE, find_numbers, reach=256, places=PLACES),
    Detector("numerals", "[〇零一二三四五六七八九幺]{7}", _find_numerals),
)
