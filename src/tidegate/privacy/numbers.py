"""Numbers with check digits or a fixed shape: cards, Chinese identity numbers, social security and account numbers.

Every run of digits is tried group by group, the surest kind first; telephones (`phones.py`) come last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tidegate.privacy import rules
from tidegate.privacy.digits import GATE, Run, runs
from tidegate.privacy.found import CHECKED, CUED, SHAPED, Detector, Found, closes, cued
from tidegate.privacy.phones import home_phone, phone

Hit = tuple[int, Found]
"""How many groups it took, and what it is."""

_CARD_CUE = re.compile(r"(?ai)card|visa|master ?card|amex|american express|maestro|\bcc\b|卡")
_BANK_CUE = re.compile(r"银行|卡号|卡[:：]|借记卡|储蓄卡|信用卡|(?ai:bank ?card|unionpay|debit card)")
_ACCOUNT_CUE = re.compile(
    r"(?ai)(?:(?:bank|checking|savings|deposit) account|account (?:no|num|nr|#)|acct|a/c|routing|aba (?:no|num|rout)|sort code"
    r"|iban|kontonummer|账号|帐号|账户|帐户|对公户)[^0-9\n]{0,24}$"
)
_SSN_CUE = re.compile(r"(?ai)\bssn\b|social[ -]?sec|社会安全|社保号")
_ID_CUE = re.compile(r"身份证|证件号|(?ai:id ?card|identity (?:card|num|no)|resident id|citizen id|national id)")
_OTHER_CUE = re.compile(
    r"(?ai)(?:order|invoice|tracking|ticket|serial|isbn|sku|build|version|parcel|receipt|batch|issue|commit|timestamp|epoch"
    r"|订单|单号|流水|编号|发票|快递|运单|序列|批次)[^0-9\n]{0,12}$"
)
_CARD_SHAPES = frozenset(
    {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3)}
    | {(4, 6, 5), (4, 6, 4), (6, 13), (6, 10), (8, 8), (6, 6), (6, 4, 5), (2,) * 8, (6, 6, 4), (4, 5, 6), (5, 5, 5), (5, 4, 6)}
)
_ID_SHAPES = frozenset({(6, 8, 4), (6, 4, 4, 4), (3, 3, 4, 4, 4), (6, 8, 3), (6, 4, 4, 3), (3, 3, 4, 4, 3), (6, 6, 6), (4, 4, 4, 4, 2)})
_BRANDS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(start), frozenset(lengths))
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
    return any(len(digits) in lengths and start.match(digits) for start, lengths in _BRANDS) and len(set(digits)) > 1


def _grouped(run: Run, first: int, last: int, shapes: frozenset[tuple[int, ...]]) -> bool:
    """Whether the groups are those of print, or one, or digit by digit."""
    for shape in run.shapes(first, last):
        # Fours, some of them glued by a character without width that was folded away.
        if len(shape) == 1 or shape in shapes or (shapes is _CARD_SHAPES and all(size in (4, 8, 12) for size in shape)):
            return True
    return run.single_digits(first, last)


def card(run: Run, first: int) -> Hit | None:
    best: Hit | None = None
    for last, total in run.windows(first, 12, 19):
        start, end = run.places[first][0], run.places[last - 1][1]
        if not closes(run.text, end) or not run.alone(first, last) or not _grouped(run, first, last, _CARD_SHAPES):
            continue
        digits = run.digits(first, last)
        right, bank = luhn(digits), total >= 16 and digits.startswith("62")
        code = rules.BANK_CARD if bank else rules.CARD
        if right and _is_card(digits) and not cued(_OTHER_CUE, run.text, start, 24):
            best = last - first, Found(start, end, code, CHECKED, "valid")
        elif right and len(set(digits)) > 1 and cued(_CARD_CUE, run.text, start):
            best = last - first, Found(start, end, code, CHECKED, "valid")
        elif total >= 16 and cued(_BANK_CUE, run.text, start, 16):
            best = last - first, Found(start, end, rules.BANK_CARD, CUED)
    return best


def _birth(digits: str) -> bool:
    return (
        "1900" <= digits[:4] <= "2029" and "01" <= digits[4:6] <= "12" and "01" <= digits[6:8] <= "31"
    )


def identity(run: Run, first: int) -> Hit | None:
    """A Chinese resident identity number; its last character may be an X."""
    text = run.text
    for last, total in run.windows(first, 15, 18):
        start, end = run.places[first][0], run.places[last - 1][1]
        if total == 16 or not _grouped(run, first, last, _ID_SHAPES) or not run.alone(first, last):
            continue
        digits = run.digits(first, last)
        if total == 15:
            if _birth("19" + digits[6:12]) and closes(text, end) and cued(_ID_CUE, text, start, 24):
                return last - first, Found(start, end, rules.CN_ID, CUED)
            continue
        if total == 17:
            gap = 1 if text[end : end + 1] in (" ", "-") and text[end + 1 : end + 2] in ("X", "x") else 0
            if text[end + gap : end + gap + 1] not in ("X", "x"):
                continue
            digits, end = digits + "X", end + gap + 1
        if digits[0] not in "12345689" or not _birth(digits[6:14]) or not closes(text, end):
            continue
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11]
        if digits[17] == check:
            return last - first, Found(start, end, rules.CN_ID, CHECKED, "valid")
        if cued(_ID_CUE, text, start, 24):
            return last - first, Found(start, end, rules.CN_ID, CUED)
    return None


def social_security(run: Run, first: int) -> Hit | None:
    if run.size(first) not in (3, 9, 1) and "\n" not in "".join(run.gaps[first + 1 : first + 4]):
        return None
    for last, total in run.windows(first, 9, 9):
        start, end = run.places[first][0], run.places[last - 1][1]
        if total != 9 or not closes(run.text, end) or not run.alone(first, last):
            continue
        digits = run.digits(first, last)
        has_cue = cued(_SSN_CUE, run.text, start)
        given = digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"
        if (given or has_cue) and (3, 2, 4) in run.shapes(first, last) and run.kind(first + 1) not in ("/", "_"):
            return last - first, Found(start, end, rules.SSN, SHAPED)
        if has_cue:
            return last - first, Found(start, end, rules.SSN, CUED)
    return None


def account(run: Run, first: int) -> Hit | None:
    """Only where the cue stands directly before."""
    start = run.places[first][0]
    if not cued(_ACCOUNT_CUE, run.text, start):
        return None
    best: Hit | None = None
    for last, _ in run.windows(first, 6, 19):
        end = run.places[last - 1][1]
        if closes(run.text, end):
            best = last - first, Found(start, end, rules.ACCOUNT, CUED)
    return best


_KINDS: tuple[Callable[[Run, int], Hit | None], ...] = (identity, card, social_security, home_phone, phone, account)


def find_numbers(text: str) -> Iterator[Found]:
    for run in runs(text):
        index = 0
        while index < len(run):
            took = 0
            # Where digits stand one by one, a number begins with the first of them only.
            if run.starts(index) and not (index and run.size(index) == run.size(index - 1) == 1):
                for kind in _KINDS:
                    if hit := kind(run, index):
                        took, found = hit
                        yield found
                        break
            index += took or 1


NUMBERS = Detector("numbers", GATE, find_numbers)
