"""Laws of detection: what is valid is found wherever it stands, places are exact, nothing overlaps, nothing raises."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidegate.core.findings import Finding
from tidegate.privacy.patterns.folding import Folded
from tidegate.privacy.patterns.numbers import luhn
from tidegate.privacy.patterns.scanner import Scanner, Terms

SCANNER = Scanner([Terms("own", ("tidefall", "海潮"), (r"PRJ-\d{4}",))])
AROUND = st.sampled_from(["", " ", "：", "，", "的", "请看", "\n", "(", '"', "号", "\u200b", "\u3000", "=", "。"])
BEFORE, AFTER = st.one_of(AROUND, st.just("see ")), st.one_of(AROUND, st.just(" too"))
LETTERS = string.ascii_letters + string.digits


def with_check_digit(body: str) -> str:
    return next(body + digit for digit in string.digits if luhn(body + digit))


CARDS = st.from_regex(r"(4[0-9]{14}|5[1-5][0-9]{13}|62[0-9]{13})", fullmatch=True).map(with_check_digit)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
MAILS = st.from_regex(r"[a-z][a-z0-9]{2,12}@[a-z][a-z0-9]{2,12}\.(com|org|cn|de)", fullmatch=True)
DEEPSEEK = st.from_regex(r"[0-9a-f]{7}", fullmatch=True).map(lambda part: f"sk-0f1e2d3c4b5a6{part}9786a5b4c3de")
VALUES = st.one_of(CARDS, MOBILES, MAILS, DEEPSEEK, st.just("tidefall"), st.just("海潮"), st.just("PRJ-1234"))


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    place, serial = draw(st.integers(110000, 659999)), draw(st.integers(0, 999))
    born = draw(st.dates(min_value=_date(1930), max_value=_date(2024))).strftime("%Y%m%d")
    body = f"{place}{born}{serial:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def _date(year: int):
    from datetime import date

    return date(year, 1, 1)


def spelled(draw: st.DrawFn, value: str) -> str:
    """The same value in another spelling of its characters."""
    way = draw(st.sampled_from(["plain", "wide", "hidden", "escaped"]))
    match way:
        case "wide":
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)
        case "hidden":
            at = draw(st.integers(1, len(value) - 1))
            return value[:at] + "\u200b" + value[at:]
        case "escaped":
            at = draw(st.integers(0, len(value) - 1))
            return f"{value[:at]}\\u{ord(value[at]):04x}{value[at + 1 :]}"
        case _:
            return value


def covered(findings: tuple[Finding, ...], start: int, end: int) -> bool:
    at = start
    for found in findings:
        if found.start <= at < found.end:
            at = found.end
    return at >= end


@given(st.data(), st.one_of(VALUES, identity_numbers()), BEFORE, AFTER)
def test_a_valid_value_is_found_wherever_it_stands_and_however_it_is_spelled(data, value, before, after) -> None:
    written = spelled(data.draw, value)
    text = before + written + after
    assert covered(SCANNER.scan(text), len(before), len(before) + len(written))


@given(st.data(), st.one_of(CARDS, MOBILES, MAILS), BEFORE, AFTER)
def test_places_are_exact_in_the_original(data, value, before, after) -> None:
    written = spelled(data.draw, value)
    (found,) = SCANNER.scan(before + written + after)
    assert Folded((before + written + after)[found.start : found.end]).text == value
    assert (found.start, found.end) == (len(before), len(before) + len(written))


PIECES = st.lists(
    st.one_of(
        VALUES, AROUND, st.text(max_size=8), st.text("0123456789 -.()/\n+", max_size=24), st.text(LETTERS, max_size=40)
    ),
    max_size=12,
).map("".join)


@given(PIECES)
def test_findings_are_in_order_and_never_overlap(text) -> None:
    at = 0
    for found in SCANNER.scan(text):
        assert at <= found.start < found.end <= len(text)
        at = found.end


@given(st.text(st.characters(codec=None), max_size=200))
def test_no_text_makes_it_raise(text) -> None:
    SCANNER.scan(text)


@given(st.text(st.characters(categories=("Cs", "Nd", "Cf", "Zs", "Lu", "Pd")), max_size=120), VALUES)
def test_nor_do_odd_characters_around_a_value(text, value) -> None:
    for found in SCANNER.scan(text + value + text):
        assert 0 <= found.start < found.end <= 2 * len(text) + len(value)


@given(PIECES)
def test_looking_twice_finds_the_same(text) -> None:
    assert SCANNER.scan(text) == SCANNER.scan(text)


FILL = "The tide comes in twice a day, and nobody on the quay looks up from the nets for it.\n潮水每天来两次。\n" * 40


def shifted(findings: tuple[Finding, ...], by: int) -> list[Finding]:
    return [replace(one, start=one.start + by, end=one.end + by) for one in findings]


@given(PIECES, PIECES)
def test_a_long_text_has_the_findings_of_its_pieces(one, other) -> None:
    """Long texts are looked at in parts, short ones as they are."""
    one, other = f"\n\n{one}\n\n", f"\n\n{other}\n\n"
    alone = [*shifted(SCANNER.scan(one), len(FILL)), *shifted(SCANNER.scan(other), 2 * len(FILL) + len(one))]
    assert list(SCANNER.scan(FILL + one + FILL + other + FILL)) == alone
