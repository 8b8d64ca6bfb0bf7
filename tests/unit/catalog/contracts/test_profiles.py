"""Dated profiles: every row says how it is known, a later date states only what changed, and a bad file does not load."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES, contract_named
from tidegate.catalog.contracts.profiles import read_contract
from tidegate.config import ContractOptions

HEAD = 'title = "T"\nvalid_from = 2026-01-01T00:00:00Z\n'
ROW = '[[models]]\nname = "m"\nbasis = "measured"\nsource = "s"\nchecked = "2026-11-24"\n'


@pytest.mark.parametrize("profile", PROFILES)
def test_every_row_says_how_it_is_known(profile: str) -> None:
    rows = [row for table in contract_named(profile).tables.values() for row in table.values()]
    assert len(rows) > 80
    for row in rows:
        assert row.basis in ("documented", "measured", "inferred")
        assert row.source
        assert date(2026, 11, 1) <= date.fromisoformat(row.checked)


def test_every_file_is_a_profile_and_the_option_knows_them_all() -> None:
    folder = resources.files("tidegate.catalog.contracts")
    files = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    assert files == list(PROFILES)
    assert ContractOptions().profile == DEFAULT_PROFILE == PROFILES[-1]
    assert [contract_named(profile).valid_from for profile in PROFILES] == sorted(
        contract_named(profile).valid_from for profile in PROFILES
    )


def test_rule_codes_are_given_once_and_texts_can_be_filled() -> None:
    for profile in PROFILES:
        contract = contract_named(profile)
        codes = [row.values["code"] for row in contract.tables["rules"].values()]
        assert len(set(codes)) == len(codes)
        for name, text in contract.rules.items():
            assert "{}" not in text, name


def test_a_later_date_replaces_adds_and_removes_rows() -> None:
    text = HEAD + 'base = "2026-08-ga"\n'
    text += '[[removed]]\nname = "models: deepseek-v4-pro"\nbasis = "inferred"\nsource = "s"\nchecked = "2026-11-24"\n'
    text += (
        ROW + '[[efforts]]\nname = "low"\nbecomes = "max"\nbasis = "inferred"\nsource = "s"\nchecked = "2026-11-24"\n'
    )
    contract, base = read_contract("later", text), contract_named("2026-08-ga")
    assert list(contract.tables["models"]) == ["deepseek-v4-flash", "m"]
    assert (contract.efforts["low"], base.efforts["low"]) == ("max", "low")
    assert contract.efforts["high"] == base.efforts["high"]
    assert contract.tables["efforts"]["low"].profile == "later"
    assert contract.tables["efforts"]["high"].profile == "2026-04-preview"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ROW.replace('"measured"', '"guessed"'), "lacks name, basis or source"),
        (ROW.replace('source = "s"\n', ""), "lacks name, basis or source"),
        (ROW.replace('name = "m"\n', ""), "lacks name, basis or source"),
        (ROW.replace("2026-11-24", "yesterday"), "lacks the date"),
        (ROW.replace("[[models]]", "[[modells]]"), "no table modells"),
        (ROW + ROW, "two rows m"),
        (ROW.replace("[[models]]", "[[removed]]").replace('"m"', '"models: nobody"'), "no row models: nobody"),
    ],
)
def test_a_row_that_is_not_sound_does_not_load(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_contract("bad", HEAD + text)
