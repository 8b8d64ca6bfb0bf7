"""The scripted brain says what its rules promise, and the same each time."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from tests.support.samples import CALL, WEATHER, request

from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.core.requests import FimRequest
from tidegate.simulator.brain import Said, Task
from tidegate.simulator.responder import ScriptedBrain, script

TIME = {"type": "function", "function": {"name": "get_time"}}


def said(content: str = "Hi", effort: Any = "off", **fields: Any) -> list[Said]:
    messages = fields.pop("messages", None) or [{"role": "user", "content": content}]
    return list(script(Task(request(messages=messages, **fields), effort, 100)))


def text(*arguments: Any, **fields: Any) -> str:
    (piece,) = said(*arguments, **fields)
    assert isinstance(piece, Text)
    return piece.text


def calls(*arguments: Any, **fields: Any) -> list[tuple[str | None, str]]:
    found = [piece for piece in said(*arguments, **fields) if isinstance(piece, ToolCall)]
    assert [call.index for call in found] == list(range(len(found)))
    return [(call.name, call.arguments) for call in found]


async def test_the_brain_says_the_script():
    task = Task(request(), "low", 100)
    assert [piece async for piece in ScriptedBrain().answer(task)] == list(script(task))


def test_the_same_request_has_the_same_answer():
    assert said("Tell me more", "max") == said("Tell me more", "max")
    assert said("Tell me more") != said("Tell me less")


@pytest.mark.parametrize(
    ("asked", "answer"), [("Return exactly: OK", "OK"), ("Please. Say exactly:  two\nlines", " two\nlines")]
)
def test_what_is_asked_for_exactly_is_said_exactly(asked, answer):
    assert text(asked) == answer


def test_so_many_words():
    assert len(text("Write about 250 words on tides.").split()) == 250


def test_reasoning_grows_with_the_effort_and_comes_first():
    lengths = []
    for effort in ("low", "high", "max"):
        thought, answer = said("Why?", effort)
        assert isinstance(thought, Reasoning) and isinstance(answer, Text)
        lengths.append(len(thought.text))
    assert lengths == sorted(set(lengths))
    assert len(said("Why?", "off")) == 1


def test_braces_of_the_user_do_no_harm():
    assert isinstance(said("a {b} {0}", "low")[0], Reasoning)


# -- tools -------------------------------------------------------------------------------------------------------------


def test_a_named_tool_is_called_with_its_required_arguments():
    assert calls("Call get_weather for me in Paris", tools=[WEATHER, TIME]) == [("get_weather", '{"city": "Paris"}')]


def test_several_named_tools_are_called_in_the_order_of_the_text():
    assert calls("get_time, then get_weather in Rome", tools=[WEATHER, TIME]) == [
        ("get_time", "{}"),
        ("get_weather", '{"city": "Rome"}'),
    ]


def test_use_the_tools_means_all_of_them():
    assert [name for name, _ in calls("Please use the tools.", tools=[WEATHER, TIME])] == ["get_weather", "get_time"]


@pytest.mark.parametrize(
    ("asked", "choice", "names"),
    [
        ("Hello", "auto", []),
        ("get_weathers", "auto", []),
        ("get_time", "none", []),
        ("Hello", "required", ["get_weather"]),
        ("get_time", "required", ["get_time"]),
        ("get_time", {"type": "function", "function": {"name": "get_weather"}}, ["get_weather"]),
    ],
)
def test_tool_choice_decides(asked, choice, names):
    found = calls(asked, tools=[WEATHER, TIME], tool_choice=choice, thinking={"type": "disabled"})
    assert [name for name, _ in found] == names


def test_after_the_results_it_answers_and_does_not_call_again():
    history = [
        {"role": "user", "content": "get_weather in Paris"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c0", "content": "18 degrees"},
    ]
    assert text(messages=history, tools=[WEATHER]) == "The tools answered: 18 degrees."


# -- JSON, prefix, gap -------------------------------------------------------------------------------------------------


def test_json_has_the_shape_of_the_first_object_in_the_prompt():
    wanted = {"response_format": {"type": "json_object"}}
    assert json.loads(text('As json like {"a": 1, "b": [2]}', **wanted)) == {"a": 1, "b": [2]}
    assert set(json.loads(text("As json, please {or not", **wanted))) == {"answer", "question"}


@pytest.mark.parametrize(
    "prompt",
    [
        'json like {"a": NaN}',
        'json like {"a": -Infinity}',
        'json like {"a": 1e999}',
        'json like {"a": "\\ud800"}',
        "json like " + '{"a":' * 5000 + "1" + "}" * 5000,
    ],
)
def test_what_cannot_be_written_as_json_again_is_no_example(prompt: str):
    written = text(prompt, response_format={"type": "json_object"})
    assert set(orjson.loads(written)) == {"answer", "question"}


def test_json_of_a_schema_is_an_instance():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(text("json", response_format=wanted)) == {"n": 1}


def begun(content: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Go on"}, {"role": "assistant", "content": content, "prefix": True, **more}]


def test_a_prefix_is_continued_and_not_repeated():
    going_on = text(messages=begun("The sky"))
    assert going_on.startswith(" and") and "The sky" not in going_on
    assert text(messages=begun("The sky ")).startswith("and")


def test_a_prefix_with_text_is_past_its_reasoning_and_one_without_is_not():
    assert [type(piece) for piece in said(effort="high", messages=begun("The sky"))] == [Text]
    kinds = [type(piece) for piece in said(effort="high", messages=begun("", reasoning_content="R"))]
    assert kinds == [Reasoning, Text]


def test_a_gap_is_filled_by_a_line_that_knows_both_sides():
    task = Task(FimRequest(model="m", prompt="def f():\n    ", suffix="\n    return x"), "off", 100)
    (piece,) = script(task)
    assert isinstance(piece, Text)
    assert piece.text == '# between "def f():" and "return x"\n'
