"""Rules about tools: their names, their schemas, who may be chosen, and the form of the answer."""

from __future__ import annotations

import pytest
from tests.support.samples import WEATHER, request

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.tool_rules import (
    check_answer_schema,
    check_choice,
    check_json_word,
    check_strict_use,
    check_tool_names,
    check_tools,
)
from tidegate.core.errors import ClientMistake

CONTRACT = contract_named(DEFAULT_PROFILE)
STRICT = {"type": "function", "function": {"name": "f", "strict": True}}
JSON = {"type": "json_object"}


def tool(name: str = "f", **more: object) -> dict:
    return {"type": "function", "function": {"name": name, **more}}


def checked(**fields: object) -> None:
    asked = request(**fields)
    check_tool_names(asked.tools, CONTRACT)
    check_json_word(asked, CONTRACT)
    check_tools(asked.tools, CONTRACT, quoting=False)
    check_choice(asked, CONTRACT, quoting=False)
    check_answer_schema(asked, CONTRACT, quoting=True)
    check_strict_use(asked.tools, asked, CONTRACT)


def refused(**fields: object) -> str:
    with pytest.raises(ClientMistake) as caught:
        checked(**fields)
    return caught.value.message


@pytest.mark.parametrize("name", ["get weather", "get.weather", "wetter_für", "²", "a\n"])
def test_a_tools_name_is_made_of_plain_characters(name):
    assert refused(tools=[WEATHER, tool(name)]) == (
        "Invalid 'tools[1].function.name': string does not match pattern. "
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    )


def test_a_tools_name_has_1_to_128_bytes():
    checked(tools=[tool("a" * 128), tool("_"), tool("-"), tool("get-weather_2")], tool_choice="auto")
    assert refused(tools=[tool("é" * 65)]) == (
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 128, "
        "but got a string with length 130 instead."
    )
    assert refused(tools=[tool("")]) == (
        "Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, "
        "but got an empty string instead."
    )


def test_there_are_at_most_128_tools():
    assert refused(tools=[tool(f"f{index}") for index in range(129)]) == (
        "Invalid 'tools': array too long. Expected an array with maximum length 128, "
        "but got an array with length 129 instead."
    )


def test_names_are_unique_and_looked_at_tool_by_tool():
    assert refused(tools=[WEATHER, WEATHER]) == "Tool names must be unique."
    assert refused(tools=[tool("g", parameters=5), WEATHER, WEATHER]).startswith("Invalid schema for function 'g'")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (5, 'value is not of types "boolean", "object"'),
        ({"type": "object", "description": 5}, 'value is not of type "string"'),
        ({"type": "string"}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'."),
        (True, "schema must be a JSON Schema of 'type: \"object\"', got 'type: null'."),
        ({"type": ["object"]}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: something else'."),
    ],
)
def test_parameters_are_the_schema_of_an_object(parameters, said):
    assert refused(tools=[tool(parameters=parameters)]) == f"Invalid schema for function 'f': {said}"
    checked(tools=[tool(parameters=None)], tool_choice="none")


def test_a_chosen_function_is_among_the_tools():
    choice = {"type": "function", "function": {"name": "zz"}}
    assert refused(tools=[WEATHER], tool_choice=choice) == (
        "Invalid value for 'tool_call': no function named 'zz' was specified in the 'tools' parameter."
    )
    assert "Thinking mode" in refused(tools=[WEATHER], tool_choice="required")
    checked(tools=[WEATHER], tool_choice="required", thinking={"type": "disabled"})


def test_strict_tools_stand_alone():
    assert refused(tools=[STRICT, WEATHER], tool_choice="auto") == (
        "Cannot use strict tool with non-strict tool in the same request"
    )
    assert refused(tools=[STRICT], tool_choice="auto", response_format={"type": "text"}) == (
        "response_format should not be used with tools"
    )
    checked(tools=[WEATHER], tool_choice="auto", response_format={"type": "text"})


def test_json_must_be_spoken_of_and_is_not_continued():
    assert refused(response_format=JSON) == (
        "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
    )
    said = {"role": "assistant", "content": "json", "prefix": True}
    assert (
        refused(response_format=JSON, messages=[said]) == "response_format json_object should not be used with prefix"
    )


@pytest.mark.parametrize(
    ("schema", "strict", "said"),
    [
        (
            {"type": "zz"},
            False,
            "Invalid json schema: \"zz\" is not valid under any of the schemas listed in the 'anyOf' keyword",
        ),
        ({"title": 5}, True, "Invalid json schema: one of `type`, `anyOf`, `$ref` field is required"),
        ({"type": "string"}, True, "The top level of the json schema must be an object."),
        ({"type": "object"}, True, "An object with no properties is not allowed."),
    ],
)
def test_the_schema_of_the_answer_is_checked_as_those_of_tools_are(schema, strict, said):
    wanted = {"type": "json_schema", "json_schema": {"schema": schema, "strict": strict}}
    assert refused(response_format=wanted, tool_choice="auto") == said
    checked(response_format={"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}, tool_choice="auto")


def test_a_schema_of_an_older_draft_is_not_quoted_either():
    secret = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "Jane Doe, born in May"}
    assert refused(tools=[tool(parameters=secret)]).endswith("got 'type: something else'.")
