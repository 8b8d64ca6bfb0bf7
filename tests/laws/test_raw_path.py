"""Laws of the raw path: text in DeepSeek's own form means the same however it was cut, and its markup never passes for text."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import WEATHER, request
from tests.support.strategies import MODERATE

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall
from tidegate.core.fold import Answer, fold
from tidegate.core.profile import Encoding
from tidegate.dialects.raw import Tally, nothing_told
from tidegate.dialects.raw_answer import RawAnswer
from tidegate.dialects.recipe import broken_up, render

EOS = "<｜end▁of▁sentence｜>"
encodings = st.sampled_from(["v4", "v4.1"])
words = st.text('abc<>/ ｜{}"\\\n終é=', max_size=20).filter(
    lambda text: broken_up(text) == text and "<" not in text[-1:]
)
"""Characters that markup is made of, without markup."""
calls = st.lists(
    st.dictionaries(st.sampled_from(["city", "days"]), words | st.integers(0, 9) | st.lists(words), max_size=2),
    max_size=3,
)


def written(encoding: Encoding, thought: str, text: str, made: list[dict[str, Any]]) -> str:
    """An answer as the model writes it."""
    gap, block = (" ", "calls") if encoding == "v4.1" else ("", "tool_calls")
    mark = f"｜DSML｜{gap}"
    lines = [f"{thought}</think>{text}"]
    if made:
        lines.append(f"\n\n<{mark}{block}>")
        for arguments in made:
            lines.append(f'\n<{mark}invoke name="get_weather">\n')
            for name, value in arguments.items():
                plain = isinstance(value, str)
                shown = value if plain else json.dumps(value, ensure_ascii=False)
                lines.append(
                    f'<{mark}parameter name="{name}" string="{str(plain).lower()}">{shown}</{mark}parameter>\n'
                )
            lines.append(f"</{mark}invoke>")
        lines.append(f"\n</{mark}{block}>")
    return "".join(lines)


def read(
    encoding: Encoding, pieces: list[str], finish: str = "stop", *, tools: bool = True
) -> tuple[Answer, list[Event]]:
    asked = request(tools=[WEATHER] if tools else [])
    stage = RawAnswer(render(asked, encoding).parser, Tally(nothing_told), thinks=True, calls=tools)
    raw = [Start("m"), *map(Text, pieces), Finish(finish), End()]
    events = [made for event in raw for made in stage.take(event)]
    return fold(tuple(events)), events


def meaning(answer: Answer) -> tuple[Any, ...]:
    return answer.text, answer.reasoning, [(call.name, call.arguments) for call in answer.tool_calls], answer.finish


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[begin:end] for begin, end in pairwise(ends)]


@MODERATE
@given(encodings, words, words, calls, st.lists(st.integers(0, 10**6), max_size=40))
def test_however_it_is_cut_it_means_what_it_means_whole(
    encoding: Encoding, thought: str, text: str, made: list[dict[str, Any]], places: list[int]
) -> None:
    whole = written(encoding, thought, text, made)
    answer, events = read(encoding, cut(whole + EOS, places))
    assert meaning(answer) == meaning(read(encoding, [whole])[0])
    assert (answer.reasoning or "") == thought.strip("\n")
    assert [json.loads(call.arguments) for call in answer.tool_calls] == made
    assert answer.finish == ("tool_calls" if made else "stop")
    assert [call.name for call in answer.tool_calls] == ["get_weather"] * len(made)
    for event in events:
        if isinstance(event, Text | Reasoning):
            assert broken_up(event.text) == event.text
            assert "DSML" not in event.text


@MODERATE
@given(encodings, words, calls.filter(bool), st.integers(0, 10**6))
def test_a_cut_call_is_never_finished_and_never_text(
    encoding: Encoding, text: str, made: list[dict[str, Any]], place: int
) -> None:
    whole = written(encoding, "a", text, made)
    begun = whole.index("｜DSML｜") + len("｜DSML｜")
    answer, _ = read(encoding, [whole[: begun + place % (len(whole) - begun)]], "length")
    assert answer.finish == "length"
    assert "DSML" not in answer.text


@MODERATE
@given(encodings, words, calls.filter(bool), st.lists(st.integers(0, 10**6), max_size=20))
def test_without_tools_no_call_and_no_markup_reaches_anyone(
    encoding: Encoding, text: str, made: list[dict[str, Any]], places: list[int]
) -> None:
    answer, events = read(encoding, cut(written(encoding, "a", text, made), places), tools=False)
    assert not any(isinstance(event, ToolCall) for event in events)
    assert (answer.finish, "DSML" in answer.text) == ("stop", False)
