"""What is written to llama.cpp's own completions: one begin token, marks that stay readable, its words for the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tidegate.dialects.llamacpp_raw import write, write_infill
from tidegate.dialects.raw import Ask, Constraint
from tidegate.dialects.recipe import BEGIN

ASK = Ask(model="m", prompt="Hi", most=7)
PLAIN: dict[str, Any] = {
    "n_predict": 7,
    "temperature": 1,
    "top_p": 1,
    "top_k": 0,
    "min_p": 0,
    "cache_prompt": True,
    "stream": True,
}


def test_a_plain_ask():
    assert write(ASK) == {**PLAIN, "prompt": "Hi"}


def test_a_prompt_with_a_begin_of_its_own_gets_no_second_one_and_its_marks_are_kept():
    rendered = write(replace(ASK, prompt=f"{BEGIN}<｜User｜>Hi", rendered=True))
    assert rendered["prompt"] == [0, "<｜User｜>Hi"]
    assert rendered["preserved_tokens"] == ["<think>", "</think>", "｜DSML｜"]
    assert write(replace(ASK, prompt="<｜fim▁begin｜>a", rendered=True))["prompt"] == "<｜fim▁begin｜>a"


def test_everything_that_can_be_asked():
    asked = write(replace(ASK, seed=3, stop=("x", "y"), logprobs=2, constraint=Constraint("json", '{"type":"array"}')))
    more = {"seed": 3, "stop": ["x", "y"], "n_probs": 2, "json_schema": {"type": "array"}}
    assert asked == {**PLAIN, "prompt": "Hi", **more}


def test_json_of_any_kind_is_an_object():
    assert write(replace(ASK, constraint=Constraint("json", "")))["json_schema"] == {"type": "object"}


def test_logprobs_without_alternatives_still_ask_for_one():
    assert write(replace(ASK, logprobs=0))["n_probs"] == 1


def test_no_seed_is_the_one_that_means_a_random_one():
    assert write(replace(ASK, seed=2**32 - 1))["seed"] == 0
    assert write(replace(ASK, seed=2**63 - 1))["seed"] < 2**32 - 1


def test_an_infill_has_its_prompt_before_and_its_suffix_behind():
    assert write_infill(replace(ASK, suffix="b")) == {**PLAIN, "input_prefix": "Hi", "input_suffix": "b"}
