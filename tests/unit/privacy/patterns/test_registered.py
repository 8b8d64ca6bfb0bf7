"""IBAN and company codes in whatever groups they are written."""

from __future__ import annotations

import pytest
from stdnum import iban
from stdnum.cn import uscc

from tidegate.privacy.patterns.registered import IBAN_LENGTH, grouped

IBAN, USCC = "SEN002", "SEN005"
DE, GB, COMPANY = "DE89370400440532013000", "GB29NWBK60161331926819", "91110000600037341L"


def fours(value: str, mark: str) -> str:
    return mark.join(value[at : at + 4] for at in range(0, len(value), 4))


@pytest.mark.parametrize("number", [DE, GB])
@pytest.mark.parametrize(
    "mark", ["", " ", "   ", ".", "-", "_", " - ", "\u00a0", "\t", "\n", "\r\n    ", "-\n", " \n> "], ids=repr
)
def test_an_iban_in_fours(finds, number: str, mark: str) -> None:
    written = fours(number, mark)
    assert finds(f"Pay to {written}, thanks") == [(IBAN, written)]


@pytest.mark.parametrize("written", [" ".join(DE), "-".join(GB), "  ".join(GB), "DE 89 3704 0044 0532 0130 00"])
def test_an_iban_letter_by_letter_and_with_its_head_apart(finds, written: str) -> None:
    assert finds(f"账户{written}。") == [(IBAN, written)]


@pytest.mark.parametrize(
    "text",
    [
        fours(DE.replace("89", "88", 1), "."),
        "no 15 of them came at 20 30 to see what is 12 34 and 56 78",
        "see be68 some words that go on and on",
        "DE89 3704 0044 0532 0130 001",
        "DE89.3704 0044-0532 0130/00",
    ],
)
def test_what_is_no_iban(finds, text: str) -> None:
    assert IBAN not in [code for code, _ in finds(text)]


def test_lengths_of_ibans_agree_with_the_library() -> None:
    known = {country: rule for country in IBAN_LENGTH if (rule := iban._ibandb.info(f"{country}0000")[0][1])}
    assert len(known) > 60
    for country, rule in known.items():
        parts = [
            part.rstrip("!anc")
            for part in rule["bban"].replace("!n", " ").replace("!a", " ").replace("!c", " ").split()
        ]
        assert IBAN_LENGTH[country] == 4 + sum(map(int, parts)), country


@pytest.mark.parametrize("mark", [" ", "-", ".", "/", "\u00a0", "  ", " - ", "\n", "-\r\n  "], ids=repr)
@pytest.mark.parametrize("sizes", [(2, 6, 9, 1), (8, 9, 1), (8, 10), (6, 6, 6), (1,) * 18])
def test_a_company_code_in_groups(finds, mark: str, sizes: tuple[int, ...]) -> None:
    assert uscc.is_valid(COMPANY)
    parts = [COMPANY[sum(sizes[:at]) : sum(sizes[: at + 1])] for at in range(len(sizes))]
    written = mark.join(parts)
    assert finds(f"the vendor {written} of Beijing") == [(USCC, written)]
    assert finds(f"公司{written}已注册") == [(USCC, written)]


@pytest.mark.parametrize("at", range(1, 18))
def test_a_company_code_that_a_line_cut_anywhere(finds, at: int) -> None:
    written = f"{COMPANY[:at]}\n    {COMPANY[at:]}"
    assert (USCC, written) in finds(f"registered under {written} since May")


@pytest.mark.parametrize(
    "text",
    [
        "91 110000 600037341 M",  # a wrong check character
        "911 10000600037 341L",  # no groups that people write
        "91 990000 60003734 1L",  # no such province
        "148 148 148 \t\tgray58\n148",
        "9 1 1 1 0 0 0 0 6 0 0 0 3 7 3 4 1 7 8",
        f"8 {' '.join(COMPANY)}",  # from the middle of a list
    ],
)
def test_what_is_no_company_code(finds, text: str) -> None:
    assert USCC not in [code for code, _ in finds(text)]


def test_groups_end_where_the_number_does() -> None:
    found = grouped("AB-12-CD rest", 0, 6)
    assert found is not None
    assert (found.characters, found.end, found.sizes, found.marks) == ("AB12CD", 8, (2, 2, 2), ("-", "-"))
    assert grouped("AB-12-CD", 0, 5) is None
    assert grouped("AB-12.CD", 0, 6) is None
    assert grouped("AB-12-CD", 0, 7) is None
