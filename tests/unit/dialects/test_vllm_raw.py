"""What is written to vLLM's completions: raw prompts keep their marks, constraints have its own names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tidegate.dialects.raw import Ask, Constraint
from tidegate.dialects.vllm_raw import write, write_completion

ASK = Ask(model="m", prompt="Hi", most=7)
PLAIN: dict[str, Any] = {
    "model": "m",
    "prompt": "Hi",
    "max_tokens": 7,
    "temperature": 1,
    "top_p": 1,
    "top_k": 0,
    "min_p": 0,
    "repetition_penalty": 1,
    "stream": True,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
}


def test_a_plain_ask():
    assert write(ASK) == PLAIN


def test_a_prompt_with_marks_of_its_own_gets_no_second_begin_and_its_answer_keeps_its_marks():
    assert write(replace(ASK, rendered=True)) == {**PLAIN, "add_special_tokens": False, "skip_special_tokens": False}


def test_a_completion_is_counted_at_its_end_and_has_no_marks():
    once = {"include_usage": True}
    assert write_completion(ASK) == {**PLAIN, "stream_options": once}
    assert write_completion(replace(ASK, rendered=True)) == {
        **PLAIN,
        "add_special_tokens": False,
        "stream_options": once,
    }


def test_everything_that_can_be_asked():
    asked = write(replace(ASK, suffix="b", seed=3, stop=("x", "y"), logprobs=2, temperature=0.5, top_p=0.9))
    assert asked == {
        **PLAIN,
        **{"suffix": "b", "seed": 3, "stop": ["x", "y"], "logprobs": 2, "temperature": 0.5, "top_p": 0.9},
    }


@pytest.mark.parametrize(
    ("constraint", "written"),
    [
        (Constraint("json", ""), {"json_object": True}),
        (Constraint("json", '{"type":"array"}'), {"json": '{"type":"array"}'}),
        (Constraint("regex", "a+"), {"regex": "a+"}),
    ],
)
def test_constraints(constraint: Constraint, written: dict[str, Any]):
    assert write(replace(ASK, constraint=constraint))["structured_outputs"] == written
