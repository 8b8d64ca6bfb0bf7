"""Passports: how near the word must be depends on how sure the form is."""

from __future__ import annotations

import pytest

PASSPORT = "SEN013"


@pytest.mark.parametrize(
    "value", ["E12345678", "EB1234567", "C01X00T47", "FCHKJLM08", "12AB34567", "491234567", "K1234567"]
)
@pytest.mark.parametrize(
    "around",
    [
        "passport no.\n{}\nissued in Wien",
        "Passport:\r\n    {}",
        "护照号码如下：\n{}",
        '{{"passport_number": "{}"}}',
        '# the passport of the guest\nrow = load("{}")\n',
        "-- 护照号，上线前删除\nSET value = '{}'",
        "Her passport, which ends soon, is {}.",
        "持护照{}入境",
    ],
)
def test_a_passport_behind_its_word(finds, around: str, value: str) -> None:
    assert finds(around.format(value)) == [(PASSPORT, value)]


@pytest.mark.parametrize(
    "around", ["{} is my passport number", "{}（护照）", "{} (passport)", "证件：{}", "travel document {}"]
)
def test_the_word_may_stand_behind_a_sure_form(finds, around: str) -> None:
    assert finds(around.format("E12345678")) == [(PASSPORT, "E12345678")]
    assert finds(around.format("491234567")) == []


@pytest.mark.parametrize(
    "text",
    [
        "E12345678",
        "passport control at gate 4, order E12345678",
        "passport and ticket E12345678",
        "passport of release-E12345678-x",
        "passport\n\n\nE12345678",
        "the passport office opened in the year of the storm 20210504",
        "passport of the guest " + "who waits " * 7 + "E12345678",
        "护照 order 491234567",
    ],
)
def test_what_is_no_passport(finds, text: str) -> None:
    assert finds(text) == []
