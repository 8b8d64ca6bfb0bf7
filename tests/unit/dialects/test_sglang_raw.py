"""What is written to SGLang's completions. Declared: nothing of it was run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.samples import request

from tidegate.core.events import Event, Finish
from tidegate.core.profile import Traits
from tidegate.dialects.raw import Ask, Constraint
from tidegate.dialects.sglang import SGLANG
from tidegate.dialects.sglang_raw import write, write_completion

ASK = Ask(model="m", prompt="Hi", most=7)
PLAIN: dict[str, Any] = {
    "model": "m",
    "prompt": "Hi",
    "max_tokens": 7,
    "temperature": 1,
    "top_p": 1,
    "top_k": -1,
    "min_p": 0,
    "repetition_penalty": 1,
    "stream": True,
    "stream_options": {"include_usage": True, "continuous_usage_stats": True},
}


def test_a_plain_ask_and_one_with_marks_of_its_own():
    assert write(ASK) == PLAIN
    assert write(replace(ASK, rendered=True)) == {**PLAIN, "skip_special_tokens": False}


def test_a_completion_is_counted_at_its_end_and_has_no_marks():
    assert write_completion(replace(ASK, rendered=True)) == {**PLAIN, "stream_options": {"include_usage": True}}


def test_everything_that_can_be_asked():
    asked = write(replace(ASK, suffix="b", seed=3, stop=("x", "y"), logprobs=2))
    assert asked == {**PLAIN, **{"suffix": "b", "seed": 3, "stop": ["x", "y"], "logprobs": 2}}


@pytest.mark.parametrize(
    ("constraint", "name", "written"),
    [
        (Constraint("json", ""), "json_schema", '{"type": "object"}'),
        (Constraint("json", '{"type":"array"}'), "json_schema", '{"type":"array"}'),
        (Constraint("regex", "a+"), "regex", "a+"),
    ],
)
def test_constraints(constraint: Constraint, name: str, written: str):
    assert write(replace(ASK, constraint=constraint))[name] == written


def test_an_aborted_answer_bears_the_contracts_word_on_the_raw_path_too():
    fitted = SGLANG.fitted(Traits(encoding="v4", splits_reasoning=False))
    reader = fitted.reader(fitted.encode(request(stream=True), "m"), got_stream=True)
    events: list[Event] = [
        event
        for frame in reader.feed(
            b'data: {"choices":[{"text":"Let me","finish_reason":null}]}\n\n'
            b'data: {"choices":[{"text":"","finish_reason":"abort"}]}\n\ndata: [DONE]\n\n'
        )
        for event in frame.events
    ]
    assert Finish("insufficient_system_resource") in events
    assert "SGL011" in reader.quirks
