"""Two answers in numbers: how many words they share, how they ended; never a word of either."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from tests.support.strategies import MODERATE, answers, texts

from tidegate.core.events import Start
from tidegate.core.fold import Answer
from tidegate.core.messages import ToolCallPart
from tidegate.core.usage import Usage
from tidegate.pipeline.compare import Comparison, compare, side, similarity


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "", 1.0),
        ("the sea", "", 0.0),
        ("The sea!", "the SEA", 1.0),
        ("sea the", "the sea", 1.0),
        ("the sea", "the tide", 0.5),
        ("the the the", "the", 0.5),
        ("海水退了", "海水来了", 0.75),
        ("das Meer", "das Meer steigt", 0.8),
    ],
)
def test_words_in_common(one, other, expected):
    assert similarity(one, other) == pytest.approx(expected)


@given(texts(), texts())
@MODERATE
def test_similarity_is_a_share_and_the_same_both_ways(one, other):
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, other) == similarity(other, one)
    assert similarity(one, one) == 1


def answer(text: str = "Hi", **more) -> Answer:
    return Answer(**{"start": Start(), "text": text, "finish": "stop", **more})


def sides(one: Answer, other: Answer, *, json: bool = False) -> Comparison:
    return compare(one, other, side(one, "a", "m", 1.23456, json=json), side(other, "b", "n", 2.0, json=json))


def test_what_is_kept_of_a_side():
    said = answer('{"a": 1}', reasoning="Hm", usage=Usage(output=3), finish="length")
    kept = msgspec.to_builtins(side(said, "a", "m", 1.23456, json=True))
    assert kept == {
        "backend": "a",
        "model": "m",
        "finish": "length",
        "text_chars": 8,
        "reasoning_chars": 2,
        "output_tokens": 3,
        "duration_s": 1.2346,
        "json": True,
    }
    assert side(answer("{"), "a", "m", 1.0, json=True).json is False
    assert side(answer("{"), "a", "m", 1.0, json=False).json is None


def test_finish_and_calls_are_compared_by_name():
    def calls(*names: str) -> tuple[ToolCallPart, ...]:
        return tuple(ToolCallPart(f"c{name}", name, "{}") for name in names)

    same = sides(answer(tool_calls=calls("f", "g")), answer(tool_calls=calls("f", "g")))
    assert (same.same_finish, same.same_calls, same.similarity) == (True, True, 1.0)
    other = sides(answer(tool_calls=calls("f", "g")), answer(tool_calls=calls("g", "f"), finish="tool_calls"))
    assert (other.same_finish, other.same_calls) == (False, False)


@given(answers(), answers())
@MODERATE
def test_no_word_of_an_answer_is_kept(one, other):
    canary = "canary-in-the-answer"
    told = sides(
        answer(one.text + canary, reasoning=canary, tool_calls=(ToolCallPart(canary, canary, canary),)),
        answer(other.text + canary),
    )
    assert canary not in msgspec.json.encode(told).decode()
