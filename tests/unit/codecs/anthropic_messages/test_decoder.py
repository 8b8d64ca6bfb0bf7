"""Stream events become core events; what others send beside DeepSeek's own is understood, half an answer is not passed on."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.codecs.anthropic_messages.decoder import StreamDecoder, load_event
from tidegate.codecs.sse import ServerEvent
from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage

BEGUN: dict[str, Any] = {"type": "message_start", "message": {"id": "i", "model": "m", "usage": {"input_tokens": 36}}}
STOPPED: dict[str, Any] = {"type": "content_block_stop", "index": 0}


def opened(**block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": block}


def delta(**fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": fields}


def decoded(*told: dict[str, Any]) -> list[Event]:
    decoder = StreamDecoder()
    return [event for fields in told for event in decoder.decode(fields)]


def test_it_begins_with_who_answers():
    assert decoded(BEGUN) == [Start("m", answer_id="i")]


def test_usage_in_two_parts_is_put_together():
    """Anthropic's own servers count the prompt at the start only."""
    told = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
    assert decoded(BEGUN, told)[1:] == [Finish("stop"), UsageReport(Usage(prompt=36, output=5))]


def test_a_count_that_is_taken_back_is_not_known():
    told = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": None}}
    assert decoded(BEGUN, told)[1:] == [Finish("stop")]


def test_counts_on_the_way_are_no_finish():
    way = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 3}}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}}
    assert decoded(BEGUN, way, end, end, {"type": "message_stop"})[1:] == [
        Finish("tool_calls"), UsageReport(Usage(prompt=36, output=3)), End()
    ]  # fmt: skip


def test_a_thought_of_nothing_is_a_thought():
    signed = delta(type="signature_delta", signature="s")
    assert decoded(opened(type="thinking", thinking=""), signed, STOPPED) == [Reasoning("")]
    said = delta(type="thinking_delta", thinking="R")
    assert decoded(opened(type="thinking", thinking=""), said, signed, STOPPED) == [Reasoning("R")]


def test_a_text_may_stand_in_the_opening():
    assert decoded(opened(type="text", text="a"), delta(type="text_delta", text="b"), STOPPED) == [Text("a"), Text("b")]


def test_arguments_may_stand_in_the_opening():
    head = ToolCall(0, "t", "f")
    block = {"type": "tool_use", "id": "t", "name": "f"}
    assert decoded(opened(**block, input={"a": 1}), STOPPED) == [head, ToolCall(0, arguments='{"a":1}')]
    piece = delta(type="input_json_delta", partial_json="{}")
    assert decoded(opened(**block, input={}), piece, STOPPED) == [head, ToolCall(0, arguments="{}")]
    assert decoded(opened(**block, input={}), STOPPED) == [head]


def test_calls_are_counted_among_themselves():
    told = [opened(type="text", text=""), STOPPED]
    told += [opened(type="tool_use", id=name, name="f", input={}) for name in ("a", "b")]
    assert decoded(*told) == [ToolCall(0, "a", "f"), ToolCall(1, "b", "f")]


def test_what_came_later_than_this_code_is_passed_over():
    assert (
        decoded({"type": "ping"}, {"type": "news"}, opened(type="text", text=""), delta(type="citations_delta")) == []
    )


@pytest.mark.parametrize(
    "told",
    [
        {"type": "error", "error": {"message": "x"}},
        {"type": "message_start"},
        opened(type="server_tool_use", id="s"),
        opened(type="tool_use", id=5, name="f"),
        {"type": "content_block_start"},
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}},
        delta(type="text_delta", text="an orphan"),
    ],
)
def test_what_breaks_the_contract_is_refused_without_its_words(told: dict[str, Any]):
    with pytest.raises(BrokenContract) as caught:
        decoded(told)
    assert "orphan" not in caught.value.message


def test_deltas_belong_to_their_block():
    with pytest.raises(BrokenContract, match="does not belong"):
        decoded(opened(type="text", text=""), delta(type="thinking_delta", thinking="R"))
    with pytest.raises(BrokenContract, match="no text that is text"):
        decoded(opened(type="text", text=""), delta(type="text_delta", text=5))


@pytest.mark.parametrize("data", [b"nope", b"[1]", None])
def test_an_event_is_a_json_object(data: bytes | None):
    with pytest.raises(BrokenContract):
        load_event(ServerEvent(b"", data))
    assert load_event(ServerEvent(b"", b'{"type":"ping"}')) == {"type": "ping"}


def test_only_the_end_counts_the_output():
    """What message_start says of it is where the count begins: booked, a long answer would cost nothing."""
    begun = {"type": "message_start", "message": {"usage": {"input_tokens": 36, "output_tokens": 0}}}
    told = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    assert decoded(begun, told)[1:] == [Finish("stop"), UsageReport(Usage(prompt=36))]


def test_an_input_too_deep_to_be_written_is_no_answer():
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(BrokenContract, match="nested too deeply"):
        decoded(opened(type="tool_use", id="t", name="f", input=deep), STOPPED)
