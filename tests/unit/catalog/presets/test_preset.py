"""Presets: short, commented, valid TOML for the hosted names; fitted to an address by uncommenting and renaming only."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import tidegate.catalog.presets as folder
from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.catalog.presets.preset import PRESETS, Local, preset_text, summary

HOSTED = [name for name in PRESETS if name != "local-only"]


def test_every_file_is_a_preset_and_every_preset_a_file() -> None:
    files = {file.stem for file in Path(folder.__file__).parent.glob("*.toml")}
    assert files == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_short_and_says_why_above_each_table(name: str) -> None:
    lines = preset_text(name).splitlines()
    assert len(lines) <= 45
    assert lines[0].startswith(f"# {name}: ")
    assert lines[1].startswith("# For: ")
    assert 20 < len(summary(name)) < 110
    assert all(len(line) <= 130 for line in lines)
    tables = [at for at, line in enumerate(lines) if line.startswith("[")]
    explained = [lines[at - 1].startswith("#") or lines[at - 1] == "" for at in tables]
    assert all(explained)
    assert sum(line.startswith("#") for line in lines) >= len(tables)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_hosted_names_of_the_contract(name: str) -> None:
    written = tomllib.loads(preset_text(name))
    assert set(contract_named(DEFAULT_PROFILE).models) <= set(written["aliases"])
    for alias in ("deepseek-flash", "deepseek-v4-pro"):
        targets = written["aliases"][alias]["targets"]
        assert "embedded" in targets
        assert (f"deepseek/{alias}" in targets) is (name in HOSTED)


@pytest.mark.parametrize("name", HOSTED)
def test_another_address_of_the_hosted_api(name: str) -> None:
    written = tomllib.loads(preset_text(name, hosted_url='http://127.0.0.1:4242/"x'))
    assert written["backends"]["deepseek"] == {"kind": "deepseek", "base_url": 'http://127.0.0.1:4242/"x'}
    assert "base_url" not in tomllib.loads(preset_text(name))["backends"]["deepseek"]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("word", [False, True])
def test_a_runtime_of_ones_own_takes_the_demo_models_place(name: str, word: bool) -> None:
    text = preset_text(name, local=Local("generic", "http://127.0.0.1:8080", word))
    written = tomllib.loads(text)
    stays = {"stays_home": True} if word else {}
    assert written["backends"]["home"] == {"kind": "generic", "base_url": "http://127.0.0.1:8080", **stays}
    assert written["embedded"] == {"enabled": False}
    assert '"embedded"' not in text
    assert all("home" in alias["targets"] for alias in written["aliases"].values())
