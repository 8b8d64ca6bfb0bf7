"""Reasoning tokens that nobody counted: estimated from what was said, stated, and never invented where nothing was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import request

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.counted import CountsReasoning, count_reasoning

OFF = {"thinking": {"type": "disabled"}}
THOUGHT = [Reasoning("a"), Reasoning("bc"), Reasoning("d")]
CALL = ToolCall(0, "c", "f", '{"city": "Paris"}')


def counted(said: Sequence[Event], usage: Usage, **asked) -> tuple[Usage, tuple[str, ...]]:
    stage = count_reasoning(request(**asked))
    events = [one for event in (Start(), *said, Finish("stop"), UsageReport(usage), End()) for one in stage.take(event)]
    (found,) = (event.usage for event in events if isinstance(event, UsageReport))
    assert [event for event in events if not isinstance(event, UsageReport)] == [Start(), *said, Finish("stop"), End()]
    return found, stage.quirks


@pytest.mark.parametrize(
    ("said", "output", "reasoning"),
    [
        ([*THOUGHT, Text("x")], 4, 3),
        ([*THOUGHT, Text("x"), Text("y"), Text("z")], 12, 6),
        (THOUGHT, 9, 9),
        ([Reasoning("abcdefgh"), Text("xy")], 100, 80),
        ([Reasoning("a"), Text("x" * 999)], 100, 1),
        ([Reasoning("abc")], 7, 7),
        ([*THOUGHT, CALL], 113, 3),
        ([*THOUGHT, CALL], 2, 2),
        ([Reasoning("a" * 22), CALL], 40, 22),
        ([*THOUGHT, Text("")], 3, 3),
    ],
)
@pytest.mark.parametrize("before", [None, 0])
def test_reasoning_has_its_share_of_the_output(said, output, reasoning, before):
    usage = Usage(prompt=5, output=output, cache_hit=2, reasoning=before)
    assert counted(said, usage) == (Usage(prompt=5, output=output, cache_hit=2, reasoning=reasoning), ("REQ023",))


def test_what_the_runtime_counted_holds():
    usage = Usage(prompt=5, output=12, reasoning=7)
    assert counted([*THOUGHT, Text("x")], usage) == (usage, ())


def test_where_thinking_was_off_and_nothing_was_thought_it_is_none_at_all():
    assert counted([Text("x")], Usage(output=3), **OFF) == (Usage(output=3, reasoning=0), ())


@pytest.mark.parametrize("usage", [Usage(output=3), Usage(output=3, reasoning=0)])
def test_who_may_have_thought_without_showing_it_is_not_said_to_have_thought_nothing(usage):
    assert counted([Text("x")], usage) == (usage, ())


def test_without_a_count_of_the_output_there_is_nothing_to_share():
    assert counted(THOUGHT, Usage(prompt=3)) == (Usage(prompt=3), ())


def test_a_later_report_is_counted_too():
    stage = CountsReasoning(thinks=True)
    for event in THOUGHT:
        assert list(stage.take(event)) == [event]
    assert [list(stage.take(UsageReport(Usage(output=n)))) for n in (1, 5)] == [
        [UsageReport(Usage(output=1, reasoning=1))],
        [UsageReport(Usage(output=5, reasoning=5))],
    ]


SAID = st.lists(st.builds(Reasoning, st.text(max_size=3)) | st.builds(Text, st.text(max_size=3)) | st.just(CALL))


@given(SAID, st.integers(1, 500))
def test_reasoning_is_a_part_of_the_output_and_at_least_one_where_any_was_said(said, output):
    found, _ = counted(said, Usage(output=output))
    thought = any(isinstance(event, Reasoning) and event.text for event in said)
    assert found.reasoning is None if not thought else 1 <= (found.reasoning or 0) <= output
