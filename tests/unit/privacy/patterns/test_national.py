"""National numbers that the library knows, and three that it does not."""

from __future__ import annotations

import pytest

from tidegate.privacy.patterns.national import _hong_kong, _singapore, _taiwan

TAX = "SEN017"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("codice fiscale RCCMNL83S18D969H", "RCCMNL83S18D969H"),
        ("DNI 54362315K", "54362315K"),
        ("NIE X-2482300W", "X-2482300W"),
        ("2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
        ("CPF 390.533.447-05", "390.533.447-05"),
        ("NRIC S1234567D", "S1234567D"),
        ("香港身份证A123456(3)", "A123456(3)"),
        ("NI number AB 12 34 56 C", "AB 12 34 56 C"),
        ("PAN ACUPA7085R", "ACUPA7085R"),
        ("PESEL 44051401359", "44051401359"),
        ("BSN 111222333", "111222333"),
        ("personnummer 880320-0016", "880320-0016"),
        ("NHS 943 476 5870", "943 476 5870"),
        ("SIN 123-456-782", "123-456-782"),
        ("CURP BOXW310820HNERXN09", "BOXW310820HNERXN09"),
    ],
)
def test_national_numbers(finds, text: str, value: str) -> None:
    assert (TAX, value) in finds(text)


@pytest.mark.parametrize(
    "text", ["RCCMNL83S18D969I", "54362315A", "390.533.447-06", "S1234567E", "111222333", "44051401359", "A123456(3)"]
)
def test_wrong_digits_or_no_cue(finds, text: str) -> None:
    assert finds(text) == []


def test_three_of_our_own() -> None:
    assert _singapore("S1234567D")
    assert not _singapore("S1234567A")
    assert _hong_kong("A123456(3)")
    assert not _hong_kong("A123456(4)")
    assert _taiwan("A123456789")
    assert not _taiwan("A123456788")
