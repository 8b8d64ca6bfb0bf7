"""Lines of `/api/chat`: what each means, which end an answer, and how calls get their ids."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.codecs.ollama_chat.lines import LineDecoder, LineEncoder
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage

AT = "2026-08-21T10:20:30.123456789Z"
START = Start("qwen3:8b", 1787307630)
STOP = {"done": True, "done_reason": "stop"}
TOKEN = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}


def line(message: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "", **(message or {})}
    return {"model": "qwen3:8b", "created_at": AT, "message": said, "done": False, **more}


def decoded(*lines: dict[str, Any]) -> list[Event]:
    decoder = LineDecoder()
    return [event for one in lines for event in decoder.decode(one)]


def call(name: str = "f", arguments: Any = None, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": {} if arguments is None else arguments}, **more}


def calls_of(*calls: dict[str, Any], at: str = AT) -> list[ToolCall]:
    events = decoded(line({"tool_calls": list(calls)}, created_at=at))
    return [event for event in events if isinstance(event, ToolCall)]


def test_thought_text_and_end():
    assert decoded(
        line({"thinking": "Hm."}),
        line({"content": "Hi"}),
        line(**STOP, prompt_eval_count=26, eval_count=9, total_duration=1),
    ) == [START, Reasoning("Hm."), Text("Hi"), Finish("stop"), UsageReport(Usage(prompt=26, output=9)), End()]


def test_one_line_may_hold_everything_in_order():
    (start, *said) = decoded(line({"content": "B", "thinking": "A", "tool_calls": [call(id="c1")]}))
    assert start == START
    assert said == [Reasoning("A"), Text("B"), ToolCall(0, "c1", "f", "{}")]


def test_the_cache_is_unknown_unless_the_server_tells():
    counts = {"prompt_eval_count": 26, "eval_count": 9}
    (unknown,) = [event for event in decoded(line(**STOP, **counts)) if isinstance(event, UsageReport)]
    (known,) = [
        event for event in decoded(line(**STOP, **counts, prompt_eval_cached_count=0)) if isinstance(event, UsageReport)
    ]
    assert (unknown.usage.cache_hit, known.usage.cache_hit) == (None, 0)


@pytest.mark.parametrize("counts", [{}, {"eval_count": "9"}, {"eval_count": True}, {"eval_count": -1}])
def test_without_counts_there_is_no_usage(counts):
    assert decoded(line(**STOP, **counts)) == [START, Finish("stop"), End()]


@pytest.mark.parametrize("at", [None, 7, "yesterday"])
def test_a_time_that_is_none_is_not_told(at):
    assert decoded(line(created_at=at))[0] == Start("qwen3:8b", None)


def test_calls_turn_stop_into_tool_calls_and_length_stays():
    for reason, finish in (("stop", "tool_calls"), ("length", "length")):
        events = decoded(line({"tool_calls": [call()]}), line(done=True, done_reason=reason))
        assert Finish(finish) in events


def test_ids_of_the_server_are_kept_and_a_repeated_one_is_not():
    first, second = calls_of(call("a", id="c1"), call("b", id="c1"))
    assert first.call_id == "c1"
    assert second.call_id is not None
    assert second.call_id.startswith("call_01_")


def test_a_call_without_id_gets_one_that_depends_on_the_bytes_only():
    one, two = calls_of(call("f", {"a": 1}), call("f", {"a": 1}))
    assert (one, two) == tuple(calls_of(call("f", {"a": 1}), call("f", {"a": 1}, id="")))
    assert one.call_id != two.call_id
    assert len(one.call_id or "") == len("call_00_") + 24
    (later,) = calls_of(call("f", {"a": 1}), at="2026-08-21T10:20:30.123456790Z")
    assert later.call_id != one.call_id, "another turn is another call"


def test_calls_are_counted_over_all_lines():
    events = decoded(line({"tool_calls": [call("a", id="1")]}), line({"tool_calls": [call("b", id="2")]}))
    assert events[1:] == [ToolCall(0, "1", "a", "{}"), ToolCall(1, "2", "b", "{}")]


def test_logprobs_belong_to_what_the_line_says():
    _, thought, text = decoded(line({"thinking": "A"}, logprobs=[TOKEN]), line({"content": "B"}, logprobs=[TOKEN]))
    assert (thought, text) == (Reasoning("A", (TOKEN,)), Text("B", (TOKEN,)))


def test_logprobs_of_held_back_text_come_with_it():
    _, text = decoded(line(logprobs=[TOKEN]), line({"content": "Hi"}, logprobs=[TOKEN]))
    assert text == Text("Hi", (TOKEN, TOKEN))


def test_logprobs_that_cannot_be_told_apart_are_nobodys():
    _, thought, text = decoded(line({"thinking": "A", "content": "B"}, logprobs=[TOKEN]))
    assert (thought, text) == (Reasoning("A"), Text("B"))


def test_an_error_line_breaks_the_answer_and_is_not_quoted():
    with pytest.raises(BrokenContract) as told:
        decoded(line({"content": "Hi"}), {"error": "the prompt said: secret"})
    assert "secret" not in told.value.message


@pytest.mark.parametrize("reason", [None, "", "load", "unload", 7, []])
def test_an_end_without_a_reason_that_ends_an_answer_is_broken(reason):
    with pytest.raises(BrokenContract, match="without a reason"):
        decoded(line(done=True, done_reason=reason))


@pytest.mark.parametrize(
    "message",
    [
        {"content": 7},
        {"thinking": ["a"]},
        {"tool_calls": [{}]},
        {"tool_calls": ["f"]},
        {"tool_calls": [{"function": {"arguments": {}}}]},
        {"tool_calls": [call(arguments="{}")]},
    ],
)
def test_what_is_not_of_its_type_is_broken(message):
    with pytest.raises(BrokenContract):
        decoded(line(message))


def test_pieces_of_a_call_are_written_as_one_call():
    encoder = LineEncoder()
    written = b"".join(
        encoder.encode(event)
        for event in (
            START,
            ToolCall(0, "c1", "f"),
            ToolCall(0, arguments='{"a"'),
            ToolCall(0, arguments=":1}"),
            Finish("stop"),
        )
    )
    assert orjson.loads(written)["message"]["tool_calls"] == [{"id": "c1", **call("f", {"a": 1})}]


def test_arguments_that_are_no_object_cannot_be_written():
    encoder = LineEncoder()
    encoder.encode(ToolCall(0, "c1", "f", "{"))
    with pytest.raises(BrokenContract, match="not a JSON object"):
        encoder.encode(Finish("stop"))


@pytest.mark.parametrize("at", [None, 5])
def test_where_no_time_is_told_calls_are_only_counted_and_do_not_look_unique(at: Any):
    assert [one.call_id for one in calls_of(call(), call(), at=at)] == ["call_0", "call_1"]
