"""A request for `/api/chat`: what was asked is there under the server's names, what was not is not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.codecs.ollama_chat.request import request_fields
from tidegate.core.errors import NotSupported


def written(**asked: Any) -> dict[str, Any]:
    return request_fields(request(**asked))


def test_the_whole_of_a_smallest_request():
    messages = [{"role": "user", "content": "Hi"}]
    assert written() == {"model": "auto", "messages": messages, "stream": False, "think": True, "options": {}}


def test_everything_that_has_a_place_is_there():
    fields = written(
        stream=True,
        thinking={"type": "disabled"},
        max_tokens=7,
        temperature=0.5,
        top_p=0.9,
        seed=3,
        stop="x",
        logprobs=True,
        top_logprobs=2,
        tools=[WEATHER],
        response_format={"type": "json_object"},
    )
    assert (fields["stream"], fields["think"], fields["format"]) == (True, False, "json")
    assert fields["options"] == {"num_predict": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["x"]}
    assert (fields["logprobs"], fields["top_logprobs"]) == (True, 2)
    assert fields["tools"] == [WEATHER]


def test_zero_is_asked_for_like_any_other_number():
    assert written(temperature=0, seed=0)["options"] == {"temperature": 0, "seed": 0}


def test_a_seed_beyond_the_engines_is_another_and_stays_the_same():
    seeds = {written(seed=2**63 + 5)["options"]["seed"] for _ in range(2)}
    assert len(seeds) == 1
    assert 0 <= seeds.pop() < 2**31


def test_a_schema_is_the_format():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert written(response_format={"type": "json_schema", "json_schema": {"schema": schema}})["format"] == schema


@pytest.mark.parametrize("wanted", [None, {"type": "text"}])
def test_text_needs_no_format(wanted):
    assert "format" not in written(response_format=wanted)


@pytest.mark.parametrize(
    "wanted", [{"type": "regex", "regex": "a+"}, {"type": "json_schema", "json_schema": {"schema": True}}]
)
def test_a_format_without_a_place_is_refused(wanted):
    with pytest.raises(NotSupported, match=f"no place for response_format {wanted['type']}"):
        written(response_format=wanted)


def test_a_tool_without_parameters_takes_none():
    (tool,) = written(tools=[{"type": "function", "function": {"name": "f"}}])["tools"]
    assert tool == {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def test_what_has_no_field_is_not_sent():
    fields = written(user_id="u", n=1, tool_choice="auto", frequency_penalty=1, presence_penalty=1, logprobs=False)
    assert fields == written()
