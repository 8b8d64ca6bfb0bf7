"""Tool calls are held to the request: forced ones come and fit, strict ones fit, and a cut one never looks complete."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract, NotSupported
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects import DIALECTS
from tidegate.dialects.checked_calls import CheckedCalls, checked_calls

OFF = {"type": "disabled"}
TIME: dict[str, Any] = {"type": "function", "function": {"name": "get_time"}}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
FITS = '{"city": "Brest"}'
STRICT = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {**WEATHER["function"]["parameters"], "additionalProperties": False},
    },
}


def call(arguments: str = FITS, name: str = "get_weather", index: int = 0) -> list[Event]:
    """A call in two pieces."""
    half = len(arguments) // 2
    return [ToolCall(index, f"c{index}", name, arguments[:half]), ToolCall(index, arguments=arguments[half:])]


def passed(events: list[Event], **asked: Any) -> tuple[list[Event], tuple[str, ...]]:
    stage = checked_calls(request(**{"tools": [WEATHER, TIME], "thinking": OFF} | asked))
    assert stage is not None
    return [each for event in events for each in stage.take(event)], stage.quirks


def ended(*events: Event, finish: str = "tool_calls", output: int | None = 9) -> list[Event]:
    usage = [] if output is None else [UsageReport(Usage(prompt=1)), UsageReport(Usage(prompt=1, output=output))]
    return [Start("m"), *events, Finish(finish), *usage, End()]


@pytest.mark.parametrize("choice", [..., "auto", "required", NAMED])
def test_a_good_call_passes_untouched(choice):
    said = ended(Reasoning("r"), *call())
    assert passed(said, tool_choice=choice) == (said, ())


def test_calls_of_several_functions_pass_where_any_may_be_called():
    said = ended(*call(), *call("{}", "get_time", 1))
    assert passed(said, tool_choice="required")[0] == said


def test_text_before_a_forced_call_waits_for_it():
    stage = checked_calls(request(tools=[WEATHER], tool_choice="required", thinking=OFF))
    assert stage is not None
    assert [*stage.take(Text("I "))] == [*stage.take(Text("call"))] == []
    first, second = call()
    assert [*stage.take(first)] == [Text("I "), Text("call"), first]
    assert [*stage.take(second)] == [second]
    assert [*stage.take(Text("so"))] == [Text("so")]


def test_without_force_text_does_not_wait():
    said = ended(Text("No call."), finish="stop")
    assert passed(said)[0] == said


@pytest.mark.parametrize("finish", ["stop", "tool_calls"])
@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_forced_call_that_does_not_come_is_an_error_and_its_text_never_passed(choice, finish):
    stage = checked_calls(request(tools=[WEATHER], tool_choice=choice, thinking=OFF))
    assert stage is not None
    assert [*stage.take(Text("secret"))] == []
    with pytest.raises(BrokenContract, match="without the tool call that `tool_choice` asks for, see REQ012") as broken:
        stage.take(Finish(finish))
    assert "secret" not in broken.value.message


def test_a_forced_answer_that_was_cut_before_its_call_is_a_cut_answer():
    said = ended(Text("I"), finish="length")
    assert passed(said, tool_choice="required")[0] == said


@pytest.mark.parametrize(("choice", "name"), [(NAMED, "get_time"), ("required", "other"), ("required", None)])
def test_a_forced_call_of_another_function_is_an_error_at_once(choice, name):
    with pytest.raises(BrokenContract, match="another function"):
        passed([Start("m"), ToolCall(0, "c", name)], tool_choice=choice)


@pytest.mark.parametrize("arguments", ["", "{", '{"city": "Bre', "[]", "null", "{} {}"])
@pytest.mark.parametrize("choice", [..., "required"])
@pytest.mark.parametrize("output", [9, None])
def test_arguments_that_are_no_object_are_an_error(arguments, choice, output):
    with pytest.raises(BrokenContract, match="arguments that are not what its `parameters` ask for, see REQ012"):
        passed(ended(*call(arguments), output=output), tool_choice=choice, max_tokens=10)


@pytest.mark.parametrize(
    "asked",
    [{"tool_choice": "required"}, {"tool_choice": NAMED}, {"tools": [STRICT]}],
    ids=["required", "named", "strict"],
)
@pytest.mark.parametrize("arguments", ["{}", '{"city": 5}'])
def test_forced_and_strict_arguments_follow_their_schema(asked, arguments):
    with pytest.raises(BrokenContract, match="REQ012"):
        passed(ended(*call(arguments)), **asked)


@pytest.mark.parametrize("arguments", ["{}", '{"city": 5}'])
def test_other_arguments_are_the_models_own(arguments):
    said = ended(*call(arguments))
    assert passed(said) == (said, ())


@pytest.mark.parametrize("arguments", ['{"city": "Bre', "", "{}"])
@pytest.mark.parametrize("asked", [{}, {"tool_choice": "required"}, {"tools": [STRICT]}])
@pytest.mark.parametrize("finish", ["stop", "tool_calls"])
def test_a_call_that_is_not_whole_in_an_answer_as_long_as_allowed_was_cut(arguments, asked, finish):
    events, quirks = passed(ended(*call(arguments), finish=finish, output=12), max_tokens=12, **asked)
    assert events == ended(*call(arguments), finish="length", output=12)
    assert quirks == ("REQ012",)


def test_what_the_server_says_was_cut_is_cut():
    said = ended(*call('{"city'), finish="length")
    assert passed(said, tool_choice="required") == (said, ())


def test_a_whole_call_in_an_answer_as_long_as_allowed_is_whole():
    said = ended(*call(), output=12)
    assert passed(said, max_tokens=12) == (said, ())


def test_a_function_without_parameters_takes_any_object():
    said = ended(*call("{}", "get_time"))
    assert passed(said, tool_choice="required")[0] == said


@pytest.mark.parametrize("asked", [{}, {"tools": []}, {"tools": [WEATHER], "tool_choice": "none"}])
def test_without_tools_there_is_nothing_to_check(asked):
    assert checked_calls(request(**asked)) is None


LOCAL = [one for one in DIALECTS if one.name != "deepseek"]


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_every_local_dialect_checks_calls(dialect):
    stages = dialect.encode(request(tools=[WEATHER]), "m").stages
    assert [type(stage) for stage in stages].count(CheckedCalls) == 1


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_a_strict_schema_that_leads_outside_is_refused_before_anything_is_sent(dialect):
    bad = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": bad}}
    with pytest.raises(NotSupported, match="`tools`"):
        dialect.encode(request(tools=[tool]), "m")
