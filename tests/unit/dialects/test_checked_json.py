"""JSON output is checked at its end: what is not the JSON that was asked for is an error, whatever came before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.samples import WEATHER, request

from tidegate.core.errors import BrokenContract, NotSupported
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.dialects import DIALECTS
from tidegate.dialects import checked_json as under_test
from tidegate.dialects.checked_json import checked_json

OFF = {"type": "disabled"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OBJECT = {"type": "json_object"}
SCHEMA = {"type": "json_schema", "json_schema": {"schema": CITY}}


def passed(form: dict[str, Any], *events: Event) -> list[Event]:
    stage = checked_json(request(response_format=form))
    assert stage is not None
    return [each for event in (Start("m"), *events, End()) for each in stage.take(event)]


@pytest.mark.parametrize(
    ("form", "pieces"),
    [
        (OBJECT, ["{}"]),
        (OBJECT, ['{"a', '": "', '\\n"}', "\n"]),
        (SCHEMA, ['{"ci', 'ty": "Brest"}']),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "integer"}}}, ["4", "2"]),
    ],
)
def test_what_was_asked_for_passes_untouched(form, pieces):
    said = [Reasoning("no JSON {"), *map(Text, pieces), Finish("stop")]
    assert passed(form, *said) == [Start("m"), *said, End()]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *((OBJECT, text) for text in ("", "secret prose", "[1]", '"a"', '{"a": 1', '{"a": 1} {}', "```json\n{}\n```")),
        *((SCHEMA, text) for text in ("", "{}", '{"city": 1}', '{"city": "Bre', '["city"]')),
    ],
)
def test_anything_else_is_an_error_that_holds_nothing_of_it(form, text):
    with pytest.raises(BrokenContract, match=r"`response_format` asks for, see REQ011; ask again") as broken:
        passed(form, Text(text), Finish("stop"))
    assert "secret" not in broken.value.message
    assert (broken.value.status, broken.value.retry) == (502, "same")


@pytest.mark.parametrize("reason", ["length", "tool_calls", "content_filter", "insufficient_system_resource"])
def test_an_answer_that_ended_otherwise_says_so_itself(reason):
    assert passed(OBJECT, Text('{"a": '), Finish(reason))[-2:] == [Finish(reason), End()]


def test_an_answer_longer_than_any_is_refused_on_its_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(under_test, "MOST_CHARACTERS", 10)
    assert passed(OBJECT, Text('{"a": 123}'), Finish("stop"))
    with pytest.raises(BrokenContract, match="longer than"):
        passed(OBJECT, Text('{"a": '), Text("12345"))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "regex", "regex": "a"}},
        {"response_format": OBJECT, "tools": [WEATHER], "tool_choice": "required", "thinking": OFF},
    ],
)
def test_what_is_not_asked_as_json_is_not_looked_at(asked):
    assert checked_json(request(**asked)) is None


def test_beside_tools_that_may_be_called_text_is_json_and_a_call_is_none():
    stage = checked_json(request(response_format=OBJECT, tools=[WEATHER]))
    assert stage is not None
    assert [*stage.take(ToolCall(0, "c", "get_weather")), *stage.take(Finish("tool_calls"))]


BAD = {"type": "json_schema", "json_schema": {"schema": {"$ref": "http://127.0.0.1:9/x"}}}


@pytest.mark.parametrize("dialect", [one for one in DIALECTS if one.name != "deepseek"], ids=lambda one: one.name)
def test_every_local_dialect_refuses_such_a_schema_before_anything_is_sent(dialect):
    with pytest.raises(NotSupported, match="response_format"):
        dialect.encode(request(response_format=BAD, thinking=OFF), "m")
    encoded = dialect.encode(request(thinking=OFF), "m")
    assert not any(isinstance(stage, under_test.CheckedJson) for stage in encoded.stages)
