"""Whether two names mean one model: strict in what tells models apart, lenient in what may be left out."""

from __future__ import annotations

import pytest
from tests.support.samples import request

from tidegate.core.errors import BrokenContract
from tidegate.core.events import Start, Text
from tidegate.dialects.lmstudio import check_model
from tidegate.dialects.lmstudio_rules import MODEL
from tidegate.dialects.served_model import ServedModel, is_same


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("qwen3-8b", "qwen3-8b"),
        ("qwen/qwen3-8b", "qwen/qwen3-8b"),
        ("qwen/qwen3-8b", "qwen3-8b"),
        ("qwen3-8b", "qwen/qwen3-8b"),
        ("qwen3-8b", "qwen3-8b:2"),
        ("qwen3-8b", "Qwen3-8B@q4_k_m"),
        ("qwen3-8b@q8_0", "qwen3-8b"),
    ],
)
def test_names_of_one_model(asked: str, answered: str) -> None:
    assert is_same(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("qwen3-8b", "qwen3-4b"),
        ("qwen3-8b", "qwen3-8b-instruct"),
        ("qwen/qwen3-8b", "other/qwen3-8b"),
        ("qwen3-8b@q8_0", "qwen3-8b@q4_k_m"),
        ("any-model-name", "gemma-3-1b-it-qat:2"),
        ("nemotron-3-nano", "ab-qwen3-32b"),
        ("m", ""),
    ],
)
def test_names_of_two_models(asked: str, answered: str) -> None:
    assert not is_same(asked, answered)


def test_the_stage_refuses_before_the_answer_begins_and_names_the_rule_not_the_model() -> None:
    with pytest.raises(BrokenContract, match="LMS007") as raised:
        ServedModel(MODEL, "asked").take(Start("served"))
    assert "served" not in raised.value.message


def test_a_model_that_does_not_say_its_name_and_all_that_follows_pass() -> None:
    stage = check_model(request(model="m"))
    for event in (Start(), Start("m"), Text("a")):
        assert list(stage.take(event)) == [event]
    assert stage.quirks == ()
