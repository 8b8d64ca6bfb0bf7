"""What servers say of themselves, as traits: from answers as they came, and from odd ones."""

from __future__ import annotations

import pytest

from tidegate.core.profile import UNKNOWN_TRAITS, Traits
from tidegate.dialects.metadata import (
    architecture,
    continues,
    entry,
    insert_capability,
    member,
    opens_inside,
    parsers,
    v4_tokens,
    v41_tokens,
    version,
    window,
)

ODD = [
    None,
    [],
    "text",
    7,
    {},
    {"data": None},
    {"data": [None, 3]},
    {"tokens": "x"},
    {"prompt": 3},
    {"capabilities": {}},
]
READS = [
    version("version"),
    window("n_ctx"),
    entry("data", ("id",), window("max_model_len")),
    parsers("a", "b"),
    opens_inside("prompt"),
    continues("x", "prompt"),
    v4_tokens,
    v41_tokens,
    architecture("arch"),
    insert_capability,
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("answer", ODD)
def test_an_answer_of_another_shape_changes_nothing(read, answer):
    assert read("m", answer, UNKNOWN_TRAITS) == UNKNOWN_TRAITS


def test_members_of_nested_objects():
    assert member({"a": {"b": 3}}, "a", "b") == 3
    assert member({"a": [1]}, "a", "b") is None


@pytest.mark.parametrize(
    ("told", "tokens"), [(4096, 4096), (0, None), (-1, None), (True, None), ("4096", None), (1.5, None)]
)
def test_a_window_is_a_positive_whole_number(told, tokens):
    assert window("n_ctx")("m", {"n_ctx": told}, UNKNOWN_TRAITS).window_tokens == tokens


def test_of_a_list_only_the_entry_of_this_model_is_read():
    read = entry("data", ("id", "model"), window("max_model_len"))
    listed = {"data": [{"id": "other", "max_model_len": 1}, {"model": "m", "max_model_len": 2}]}
    assert read("m", listed, UNKNOWN_TRAITS).window_tokens == 2
    assert read("none", listed, UNKNOWN_TRAITS).window_tokens is None


@pytest.mark.parametrize(
    ("told", "inside"),
    [
        ("<|user|>hi<|assistant|><think>\n", True),
        ("<|user|>hi<|assistant|></think>", False),
        ("<|user|>hi<|assistant|>", False),
        (["a", "<think>", "Ċ"], True),
        (["<think>", "</think>"], False),
        (["<th", "ink>"], True),
        ("", None),
    ],
)
def test_whether_a_rendered_prompt_ends_inside_the_thought(told, inside):
    assert opens_inside("prompt")("m", {"prompt": told}, UNKNOWN_TRAITS).opens_inside is inside


@pytest.mark.parametrize(
    ("strings", "goes_on"),
    [
        (["</think>", "The", "Ġriver", "Ġis"], True),
        (["</think>", "The", "Ġriver", "Ġis", "<｜end▁of▁sentence｜>"], False),
        (["The", "Ġriver", "Ġis", "<|im_end|>", "Ċ"], False),
        ([], None),
    ],
)
def test_whether_a_trailing_message_stays_open(strings, goes_on):
    """The closing ones as vLLM 0.32.0 answered in DeepSeek's tokenizer mode, run 2026-11-24."""
    traits = continues("The river is", "token_strs")("m", {"token_strs": strings}, UNKNOWN_TRAITS)
    assert traits.continues is goes_on


@pytest.mark.parametrize(
    ("marker", "system", "encoding"), [([1], [1, 2], "v4"), ([1], [1], "v4.1"), ([1, 2], [1], None), ([], [], None)]
)
def test_the_prompt_format_is_told_by_tokens_of_its_own(marker, system, encoding):
    traits = v4_tokens("m", {"tokens": marker}, UNKNOWN_TRAITS)
    assert v41_tokens("m", {"tokens": system}, traits).encoding == encoding


def test_parsers_and_capabilities():
    assert parsers("r", "t")("m", {"r": "deepseek-v4", "t": None}, UNKNOWN_TRAITS) == Traits(
        splits_reasoning=True, parses_calls=False
    )
    assert parsers("r", "t")("m", {"r": None}, UNKNOWN_TRAITS) == Traits(splits_reasoning=False)
    assert insert_capability("m", {"capabilities": ["completion", "insert"]}, UNKNOWN_TRAITS).infills is True
    assert insert_capability("m", {"capabilities": ["completion"]}, UNKNOWN_TRAITS).infills is False
    assert architecture("arch")("m", {"arch": "deepseek4"}, UNKNOWN_TRAITS).encoding == "v4"
    assert architecture("arch")("m", {"arch": "llama"}, UNKNOWN_TRAITS).encoding is None


def test_a_version_is_a_short_text():
    assert version("version")("m", {"version": "0.32.0"}, UNKNOWN_TRAITS).version == "0.32.0"
    assert version("version")("m", {"version": 3}, UNKNOWN_TRAITS).version is None
    assert len(version("version")("m", {"version": "9" * 500}, UNKNOWN_TRAITS).version or "") == 80
