"""Whole answers both ways; arguments that are no object become an empty one, as in DeepSeek's own answers."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.codecs.anthropic_messages.answer import decode_answer, encode_answer
from tidegate.core.errors import BackendOverloaded, BrokenContract
from tidegate.core.events import Start
from tidegate.core.fold import Answer
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage

FULL = Answer(
    start=Start("deepseek-flash", answer_id="ID-1"),
    text="Hello",
    reasoning="I think",
    tool_calls=(ToolCallPart("c0", "f", '{"city":"Paris"}'),),
    finish="tool_calls",
    usage=Usage(prompt=100, output=5, cache_hit=64),
)
HOSTED = (
    b'{"id":"ID-1","type":"message","role":"assistant","model":"deepseek-flash","content":[{"type":"thinking","thinking":'
    b'"I think","signature":"ID-1"},{"type":"text","text":"Hello"},{"type":"tool_use","id":"c0","name":"f","input":'
    b'{"city":"Paris"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":36,'
    b'"cache_creation_input_tokens":0,"cache_read_input_tokens":64,"output_tokens":5,"service_tier":"standard"}}'
)


def encoded(answer: Answer, **settings: Any) -> dict[str, Any]:
    return orjson.loads(encode_answer(answer, answer_id="ID-1", model="deepseek-flash", **settings))


def test_an_answer_both_ways():
    assert encode_answer(FULL, answer_id="ID-1", model="deepseek-flash") == HOSTED
    assert decode_answer(orjson.loads(HOSTED)) == FULL


def test_what_was_not_said_is_not_there():
    silent = Answer(start=FULL.start, finish="stop")
    fields = encoded(silent)
    assert fields["content"] == []
    assert fields["usage"]["input_tokens"] is None
    assert decode_answer(fields) == silent


def test_a_thought_of_nothing_stays_one():
    thought = Answer(start=FULL.start, finish="stop", reasoning="")
    assert decode_answer(encoded(thought)) == thought


@pytest.mark.parametrize("arguments", ['{"city": "Par', "", "[1]", "nope", '"text"'])
def test_input_is_always_an_object(arguments: str):
    cut = Answer(start=FULL.start, finish="length", tool_calls=(ToolCallPart("c0", "f", arguments),))
    fields = encoded(cut)
    assert fields["content"] == [{"type": "tool_use", "id": "c0", "name": "f", "input": {}}]
    assert fields["stop_reason"] == "max_tokens"


def test_a_stop_string_is_told():
    stopped = encoded(Answer(start=FULL.start, finish="stop", stop="END"))
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "END")
    cut = encoded(Answer(start=FULL.start, finish="length", stop="END"))
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("max_tokens", None)


def test_an_answer_without_resources_is_none():
    with pytest.raises(BackendOverloaded):
        encoded(Answer(start=FULL.start, finish="insufficient_system_resource"))


def test_arguments_too_deep_to_write_are_refused():
    deep = '{"a":' * 300 + "1" + "}" * 300
    with pytest.raises(BrokenContract, match="nested too deeply"):
        encoded(Answer(start=FULL.start, finish="stop", tool_calls=(ToolCallPart("c0", "f", deep),)))


@pytest.mark.parametrize(
    "change",
    [
        {"content": None},
        {"stop_reason": None},
        {"content": [{"type": "text", "text": 5}]},
        {"content": [{"type": "server_tool_use"}]},
        {"content": [5]},
    ],
)
def test_what_is_no_answer_is_refused(change: dict[str, Any]):
    with pytest.raises(BrokenContract):
        decode_answer({**orjson.loads(HOSTED), **change})


def test_an_input_too_deep_to_be_written_is_no_answer():
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    block = {"type": "tool_use", "id": "t", "name": "f", "input": deep}
    with pytest.raises(BrokenContract, match="nested too deeply"):
        decode_answer({"content": [block], "stop_reason": "tool_use"})
