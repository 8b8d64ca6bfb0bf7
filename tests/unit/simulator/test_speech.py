"""Answers as tokens: every text comes out whole, a tool call appears piece by piece where the hosted parser shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.simulator import speech as speech_module
from tidegate.simulator.brain import Said
from tidegate.simulator.prompt import Token, renderer
from tidegate.simulator.speech import Manner, Speech, Spoken, call_id_of

ANSWER_ID = "0123456789abcdef0123456789abcdef"


def spoken(*said: Said, encoding: Any = "v4.1", **manner: Any) -> list[Spoken]:
    speech = Speech(renderer(), Manner(encoding, ANSWER_ID, **manner))
    return [token for piece in said for token in speech.speak(piece)] + list(speech.close())


def raw(tokens: list[Spoken]) -> str:
    """What the model wrote."""
    return b"".join(spoken.token.data for spoken in tokens).decode()


def pieces(tokens: list[Spoken]) -> list[str]:
    """What a client sees of a call's arguments, piece by piece."""
    events = [event for spoken in tokens for event in spoken.events if isinstance(event, ToolCall)]
    assert all(event.name is None for event in events[1:])
    return [event.arguments for event in events[1:]]


def call(arguments: str, index: int = 0) -> ToolCall:
    return ToolCall(index, None, "get_weather", arguments)


def test_reasoning_ends_with_a_token_that_nobody_sees():
    tokens = spoken(Reasoning("R"), Text("Hi"), thinks_first=True)
    assert raw(tokens) == "R</think>Hi"
    assert [spoken.reasoning for spoken in tokens] == [True, False, False]
    assert tokens[1].events == ()


def test_thinking_that_says_nothing_is_closed_all_the_same():
    assert raw(spoken(thinks_first=True)) == "</think>"
    assert raw(spoken(Reasoning("R"))) == ""  # not asked to think: what a brain thought is not said


V41 = """

<｜DSML｜ calls>
<｜DSML｜ invoke name="get_weather">
<｜DSML｜ parameter name="city" string="true">Par"is</｜DSML｜ parameter>
<｜DSML｜ parameter name="n" string="false">[1, "é"]</｜DSML｜ parameter>
</｜DSML｜ invoke>
</｜DSML｜ calls>"""


def test_a_call_is_written_as_the_model_writes_it():
    said = call('{"city": "Par\\"is", "n": [1, "é"]}')
    assert raw(spoken(said)) == V41
    older = V41.replace("｜ calls", "｜tool_calls").replace("｜DSML｜ ", "｜DSML｜")
    assert raw(spoken(said, encoding="v4")) == older
    assert raw(spoken(said, encoding="v4-preview")) == older


def test_the_arguments_appear_where_the_hosted_parser_shows_them():
    assert pieces(spoken(call('{"city": "Paris", "n": 3}'))) == [
        "{", '"', "city", '"', ": ", '"', "Paris", '"', ", ", '"', "n", '"', ": ", "3", "}",
    ]  # fmt: skip
    assert pieces(spoken(call("{}"))) == ["{}"]


def test_the_first_piece_has_id_and_name():
    first = next(event for token in spoken(call("{}", index=3)) for event in token.events)
    assert first == ToolCall(3, call_id_of(ANSWER_ID, 3), "get_weather", "")
    assert call_id_of(ANSWER_ID, 3) == "call_03_fedcba9876543210fedcba98"


def test_two_calls_share_a_block_and_an_opened_block_is_not_opened_again():
    two = raw(spoken(call("{}"), call("{}", 1)))
    assert (two.count(" calls>\n"), two.count("</｜DSML｜ calls>"), two.count("<｜DSML｜ invoke")) == (1, 1, 2)
    assert raw(spoken(call("{}"), calls_open=True)).startswith("<｜DSML｜ invoke")


def test_arguments_that_are_no_object_become_one_text():
    assert json.loads("".join(pieces(spoken(call("not json"))))) == {"arguments": "not json"}
    assert json.loads("".join(pieces(spoken(call("[1]"))))) == {"arguments": "[1]"}


def test_leaking_shows_the_markup_as_text():
    tokens = spoken(call('{"city": "Paris"}'), leaks=True)
    assert "".join(event.text for token in tokens for event in token.events if isinstance(event, Text)) == raw(tokens)
    assert "<｜DSML｜ calls>" in raw(tokens)


def test_a_character_of_several_tokens_comes_with_the_last_and_its_logprobs_together():
    tokens = spoken(Text(" 🎉"), alternatives=0)
    assert [len(token.events) for token in tokens] == [0, 0, 1]
    (event,) = tokens[-1].events
    assert isinstance(event, Text)
    assert event.text == " 🎉"
    assert event.logprobs is not None
    assert [entry["token"] for entry in event.logprobs] == ["\\x20\\xf0\\x9f", "\\x8e", "\\x89"]


@pytest.mark.parametrize("alternatives", [None, 0, 3])
def test_so_many_alternatives_as_asked_for(alternatives: int | None):
    (token,) = spoken(Text("OK"), alternatives=alternatives)
    (event,) = token.events
    assert isinstance(event, Text)
    if alternatives is None:
        assert event.logprobs is None
    else:
        assert event.logprobs is not None
        assert len(event.logprobs[0]["top_logprobs"]) == alternatives


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"<>'), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=3), st.sampled_from(["v4", "v4.1"]))
def test_any_arguments_arrive_as_they_were(arguments: dict[str, Any], encoding: str):
    written = json.dumps(arguments, ensure_ascii=False)
    assert json.loads("".join(pieces(spoken(call(written), encoding=encoding)))) == arguments


class Counting:
    """The real splitter; notes how much it was asked to split at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def split(self, text: str) -> list[Token]:
        self.asked.append(len(text))
        return renderer().split(text)

    def token_bytes(self, token_id: int) -> bytes:
        return renderer().token_bytes(token_id)


def test_a_long_text_is_split_as_it_is_said():
    splitter = Counting()
    speaking = Speech(splitter, Manner("v4.1", ANSWER_ID)).speak(Text("tide " * 100_000))
    next(speaking)
    assert len(splitter.asked) == 1 and splitter.asked[0] < 5000


PIECES = st.sampled_from(
    [
        " tide",
        "tide",
        " a",
        "B",
        " ",
        "  ",
        "\n",
        ".",
        " .",
        " é",
        "é",
        "日本",
        " 12",
        "7",
        "don't",
        "\t",
        "🎉",
        "_x",
        "'s",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=300))
def test_split_piece_by_piece_the_tokens_are_the_same(words: list[str]):
    text = "".join(words)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(speech_module, "_SPLIT_CHARACTERS", 5)
        tokens = [spoken.token for spoken in Speech(renderer(), Manner("v4.1", ANSWER_ID)).speak(Text(text))]
    assert tokens == renderer().split(text)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_text_arrives_as_it_was(texts: list[str]):
    tokens = spoken(*map(Text, texts))
    events = [event for token in tokens for event in token.events]
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(texts)
