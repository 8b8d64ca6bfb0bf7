"""`tidegate policy calibrate` on real folders with the real model: the table, the line to paste, JSON and exit codes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support import example_samples as samples

from tidegate.config import parse_config

Tidegate = Callable[..., Any]


@pytest.fixture(autouse=True)
def fetched(sentence_model: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own cache, which has the model already."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(sentence_model[0].parent.parent))


def write(folder: Path, **kinds: tuple[str, ...]) -> None:
    rows = []
    for name, texts in kinds.items():
        (folder / name).mkdir()
        for number, text in enumerate(texts):
            (folder / name / f"{number}.txt").write_text(text, encoding="utf-8")
        rows.append(f'[[privacy.examples]]\nname = "{name}"\nfolder = "{folder / name}"\n')
    (folder / "tidegate.toml").write_text("\n".join(rows))


def test_a_table_and_the_lines_to_paste(tidegate: Tidegate, tmp_path: Path) -> None:
    write(tmp_path, contracts=samples.CONTRACTS, notes=samples.PATIENT_NOTES)
    ran = tidegate("policy", "calibrate")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert "contracts: 10 samples, each against the rest; 58 other texts" in ran.out
    assert ran.out.count("<- best") == 2
    pasted = ran.out[ran.out.index("[[privacy.examples]]") :].split("\n\n")[0]
    (example,) = parse_config(tomllib.loads(pasted)).privacy.examples
    assert example.name == "contracts" and example.folder == str(tmp_path / "contracts")
    assert example.threshold is not None and 0.2 < example.threshold < 0.4
    assert "Tenant" not in ran.out and "troponin" not in ran.out.lower()


def test_json_holds_the_whole_curve(tidegate: Tidegate, tmp_path: Path) -> None:
    write(tmp_path, contracts=samples.CONTRACTS)
    ran = tidegate("policy", "calibrate", "--json")
    (found,) = json.loads(ran.out)
    assert (found["name"], found["samples"], ran.code) == ("contracts", 10, 0)
    chosen = next(point for point in found["curve"] if point["threshold"] == found["threshold"])
    assert (chosen["precision"], chosen["recall"]) == (found["precision"], found["recall"])
    assert found["f1"] == max(round(2 * p * r / (p + r), 4) if p + r else 0 for p, r in curve(found))
    recalls = [point["recall"] for point in found["curve"]]
    assert recalls == sorted(recalls, reverse=True) and recalls[0] == 1 and recalls[-1] == 0


def curve(found: dict[str, Any]) -> list[tuple[float, float]]:
    return [(point["precision"], point["recall"]) for point in found["curve"]]


def test_samples_that_are_of_no_kind_are_bad_news(tidegate: Tidegate, tmp_path: Path) -> None:
    mixed = ("Rice needs water.", "The list is sorted.", "A boat at sea.", "Pay the invoice.", "红色的花", "sudo apt")
    write(tmp_path, mixed=mixed)
    ran = tidegate("policy", "calibrate")
    assert ran.code == 1
    assert ran.err.startswith("tidegate: mixed: the samples are not told apart from other texts (F1 below 0.8)")


@pytest.mark.parametrize(
    ("texts", "reason"), [((), "contracts holds 0 sample texts"), (("a", "b", " - "), "holds no words")]
)
def test_folders_that_cannot_be_used_are_wrong_use(
    tidegate: Tidegate, tmp_path: Path, texts: tuple[str, ...], reason: str
) -> None:
    write(tmp_path, contracts=texts)
    ran = tidegate("policy", "calibrate")
    assert ran.code == 2 and ran.out == ""
    assert reason in ran.err and ran.err.count("\n") == 1


def test_without_examples_there_is_nothing_to_calibrate(tidegate: Tidegate, tmp_path: Path) -> None:
    ran = tidegate("policy", "calibrate")
    assert ran.code == 2
    assert "[[privacy.examples]]: none is in the defaults" in ran.err
