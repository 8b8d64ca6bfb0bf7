"""An answer that says nothing is refused, whole or streamed; one that says anything loses nothing by the wait."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.samples import chunk, reader_of, request
from tests.support.strategies import MODERATE

from tidegate.codecs import sse
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects import DIALECTS, dialect_named
from tidegate.dialects.base import Dialect
from tidegate.dialects.emptiness import SaysSomething

LOCAL = [one for one in DIALECTS if one.name not in ("deepseek", "ollama")]
SOMETHING = [Reasoning("a"), Text("a"), ToolCall(0, "c", "f")]
NOTHING = [Reasoning(""), Text("")]


def passed(events: list[Event], *, trusts_counts: bool = True) -> list[Event]:
    stage = SaysSomething(trusts_counts=trusts_counts)
    return [each for event in events for each in stage.take(event)]


def answer_of(events: list[Event], output: int | None) -> list[Event]:
    usage = [] if output is None else [UsageReport(Usage(prompt=2, output=output))]
    return [Start("m"), *events, Finish("stop"), *usage, End()]


@pytest.mark.parametrize("output", [None, 0])
def test_an_answer_without_content_and_tokens_is_refused(output: int | None) -> None:
    with pytest.raises(BrokenContract, match="empty, see REQ010"):
        passed(answer_of([*NOTHING], output))


def test_tokens_without_content_are_an_answer_only_where_the_count_is_believed() -> None:
    events = answer_of([], 1)
    assert passed(events) == events
    with pytest.raises(BrokenContract, match="REQ010"):
        passed(events, trusts_counts=False)


@pytest.mark.parametrize("said", SOMETHING)
@pytest.mark.parametrize("trusts_counts", [True, False])
def test_anything_said_is_an_answer(said: Event, trusts_counts: bool) -> None:
    events = answer_of([said], None)
    assert passed(events, trusts_counts=trusts_counts) == events


@given(st.lists(st.sampled_from([*SOMETHING, *NOTHING])), st.sampled_from([None, 0, 1]))
@MODERATE
def test_what_passes_is_what_came_in_its_order(said: list[Event], output: int | None) -> None:
    events = answer_of(said, output)
    if any(event in SOMETHING for event in said) or output:
        assert passed(events) == events
    else:
        with pytest.raises(BrokenContract):
            passed(events)


@pytest.mark.parametrize("reason", ["content_filter", "insufficient_system_resource"])
def test_an_answer_that_says_why_it_is_empty_passes(reason: str) -> None:
    events: list[Event] = [Start("m"), Finish(reason), End()]
    assert passed(events, trusts_counts=False) == events


def test_nothing_comes_out_before_something_is_said() -> None:
    stage = SaysSomething(trusts_counts=True)
    assert [list(stage.take(event)) for event in (Start("m"), Text(""))] == [[], []]
    assert list(stage.take(Text("a"))) == [Start("m"), Text(""), Text("a")]
    assert list(stage.take(Text("b"))) == [Text("b")]


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_every_local_dialect_refuses_the_empty_200_of_a_broken_server(dialect: Dialect) -> None:
    """cyllama 0.2.18's server, as seen on 2026-11-22: no transcript was kept, the shape is the one it is made for."""
    message = {"role": "assistant", "content": ""}
    usage = {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    reader = dialect.reader(dialect.encode(request(), "m"), got_stream=False)
    reader.feed(orjson.dumps({"id": "x", "model": "m", "choices": [choice], "usage": usage}))
    with pytest.raises(BrokenContract, match="REQ010"):
        reader.close()


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_every_local_dialect_refuses_an_empty_stream_and_commits_to_nothing(dialect: Dialect) -> None:
    reader = reader_of(dialect, streamed=True)
    assert reader.feed(sse.encode(orjson.dumps(chunk(delta={"role": "assistant"}) | {"model": "m"}))) == []
    with pytest.raises(BrokenContract, match="REQ010"):
        reader.feed(sse.encode(orjson.dumps(chunk(delta={}, finish_reason="stop"))) + sse.encode(b"[DONE]"))


@pytest.mark.parametrize("streamed", [True, False])
def test_ollama_refuses_it_in_its_own_lines(streamed: bool) -> None:
    """Its shape is that of the source (fb30760, 2026-08-21); no such answer was seen."""
    reader = reader_of(dialect_named("ollama"), streamed=streamed)
    message = {"role": "assistant", "content": ""}
    line = orjson.dumps({"model": "m", "message": message, "done": True, "done_reason": "stop"}) + b"\n"
    with pytest.raises(BrokenContract, match="REQ010"):
        reader.feed(line)
        reader.close()


def test_the_hosted_api_may_answer_nothing() -> None:
    reader = reader_of(dialect_named("deepseek"), streamed=False)
    reader.feed(b'{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}')
    assert len(reader.close()) == 1
