"""Shapes of tools, their choice and the form of the answer: every way to write them, and where a misfit is."""

from __future__ import annotations

import pytest
from tests.support.samples import WEATHER

from tidegate.codecs.openai_chat.tools import encode_tool, read_choice, read_format, read_tools
from tidegate.codecs.shapes import Misfit
from tidegate.core.requests import NamedTool, ToolSpec

READERS = {"tools": read_tools, "choice": read_choice, "format": read_format}


def test_a_tool_becomes_a_spec_and_a_tool_again():
    (spec,) = read_tools([WEATHER])
    assert spec == ToolSpec("get_weather", "Get weather", WEATHER["function"]["parameters"], None)
    assert encode_tool(spec) == WEATHER
    assert read_tools([["function", ["f", None, None, True]]]) == (ToolSpec("f", strict=True),)


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "f", "more": 5}}, NamedTool("f")),
        ({"type": {"function": None}, "function": ["f"]}, NamedTool("f")),
    ],
)
def test_a_choice_is_a_word_or_a_function(written, choice):
    assert read_choice(written) == choice


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ({"type": "text", "more": 5}, {"type": "text", "more": 5}),
        (["json_object"], {"type": "json_object"}),
        (["regex", "a+"], {"type": "regex", "regex": "a+"}),
        (
            {"type": "json_schema", "json_schema": [True, None, False]},
            {"type": "json_schema", "json_schema": {"schema": True, "name": None, "strict": False}},
        ),
    ],
)
def test_a_form_of_answer_is_an_object(written, form):
    assert read_format(written) == form


@pytest.mark.parametrize(
    ("kind", "value", "path", "said"),
    [
        ("tools", WEATHER, [], "invalid type: map, expected a sequence"),
        ("tools", ["secret"], [0], "invalid type: string, expected struct ChatCompletionTool"),
        ("tools", [WEATHER, {"type": "web"}], [1, "type"], "unknown variant `web`, expected `function`"),
        ("tools", [{"type": "function"}], [0], "missing field `function`"),
        (
            "tools",
            [{"type": "function", "function": "secret"}],
            [0, "function"],
            "invalid type: string, expected struct ChatCompletionFunctionDefinition",
        ),
        (
            "tools",
            [{"type": "function", "function": {"name": "f", "strict": "secret"}}],
            [0, "function", "strict"],
            "invalid type: string, expected a boolean",
        ),
        ("choice", "any", [], "expected one of `none`, `auto`, `required` or a tool"),
        ("choice", ["none"], [], "expected one of `none`, `auto`, `required` or a tool"),
        ("choice", {"function": {"name": "f"}}, [], "expected one of `none`, `auto`, `required` or a tool"),
        ("choice", {"type": "tool"}, ["type"], "field `type`: unknown variant `tool`, expected `function`"),
        (
            "choice",
            {"type": "function"},
            [],
            "field `function`: invalid type: null, expected struct ChatCompletionToolChoiceFunction",
        ),
        ("choice", {"type": "function", "function": {}}, ["function"], "field `function`: missing field `name`"),
        (
            "format",
            "secret",
            [],
            "invalid type: string, expected internally tagged enum ChatCompletionResponseFormat",
        ),
        (
            "format",
            {"type": "yaml"},
            ["type"],
            "unknown variant `yaml`, expected one of `json_object`, `json_schema`, `regex`, `text`",
        ),
        ("format", {"type": "json_schema"}, [], "missing field `json_schema`"),
        ("format", {"type": "json_schema", "json_schema": {}}, ["json_schema"], "missing field `schema`"),
        ("format", ["text", 5], [], "invalid length 1, expected 0 elements in sequence"),
    ],
)
def test_a_misfit_is_named_by_its_place(kind, value, path, said):
    with pytest.raises(Misfit) as caught:
        READERS[kind](value)
    assert (caught.value.path, caught.value.bare) == (path, said)


def test_what_the_rules_look_at_passes_here():
    assert read_tools([{"type": "function", "function": {"name": "", "parameters": 5}}]) == (ToolSpec("", None, 5),)
