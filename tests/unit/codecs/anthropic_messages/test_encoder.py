"""What the stream says in each case, and what it refuses to say. The hosted bytes are in `tests/wire` and the oracle."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tidegate.codecs import sse
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder, error_frame
from tidegate.core.errors import BackendOverloaded, BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport
from tidegate.core.usage import Usage


def written(*events: Event, **settings: Any) -> list[dict[str, Any]]:
    encoder = MessageEncoder(answer_id="ID-1", model="m", **settings)
    found = sse.Decoder().feed(b"".join(encoder.encode(event) for event in (Start(), *events)))
    told = [orjson.loads(event.data or b"") for event in found]
    assert [event.event for event in found] == [fields["type"].encode() for fields in told]
    return told


def kinds(told: list[dict[str, Any]]) -> list[str]:
    """Each event's type, of blocks and deltas the inner one."""
    return [
        (fields.get("content_block") or fields.get("delta") or fields).get("type", fields["type"]) for fields in told
    ]


def test_a_stream_in_full():
    told = written(Reasoning("R"), Text("a"), Text("b"), ToolCall(0, "c0", "f"), ToolCall(0, arguments="{}"),
                   Finish("tool_calls"), UsageReport(Usage(prompt=9, output=5)), End())  # fmt: skip
    assert kinds(told) == [
        "message_start", "thinking", "ping", "thinking_delta", "signature_delta", "content_block_stop",
        "text", "text_delta", "text_delta", "content_block_stop",
        "tool_use", "input_json_delta", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    assert [fields["index"] for fields in told if "index" in fields] == [0] * 4 + [1] * 4 + [2] * 3
    assert told[4]["delta"] == {"type": "signature_delta", "signature": "ID-1"}
    assert told[10]["content_block"] == {"type": "tool_use", "id": "c0", "name": "f", "input": {}}


def test_usage_that_is_not_known_yet_is_zero_at_first_and_null_if_never_told():
    told = written(Text("a"), Finish("stop"), End())
    assert told[0]["message"]["usage"]["input_tokens"] == 0
    assert told[-2]["usage"]["input_tokens"] is None
    assert told[-2]["usage"]["output_tokens"] is None


def test_usage_known_at_the_start_is_told_at_the_start():
    told = written(Finish("stop"), End(), usage=Usage(prompt=100, cache_hit=64))
    assert told[0]["message"]["usage"]["input_tokens"] == 36
    assert told[0]["message"]["usage"]["cache_read_input_tokens"] == 64


def test_a_request_that_thinks_has_a_thinking_block_even_without_a_thought():
    assert kinds(written(Text("a"), thinks=True))[:5] == [
        "message_start", "thinking", "ping", "signature_delta", "content_block_stop"
    ]  # fmt: skip
    assert "thinking" not in kinds(written(Text("a")))


def test_an_empty_text_opens_no_block():
    assert kinds(written(Text(""), Finish("stop"))) == ["message_start"]


def test_a_stop_string_that_is_known_is_told():
    told = written(Finish("stop", "END"), End())
    assert told[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_a_stop_string_of_an_answer_that_was_cut_is_not_told():
    told = written(Finish("length", "END"), End())
    assert told[-2]["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}


def test_a_thought_after_the_text_is_a_block_of_its_own():
    told = written(Text("a"), Reasoning("R"), Text("b"), Finish("stop"))
    assert [fields["content_block"]["type"] for fields in told if "content_block" in fields] == [
        "text",
        "thinking",
        "text",
    ]


def test_a_call_cannot_be_taken_up_again():
    with pytest.raises(BrokenContract, match="goes back to a tool call"):
        written(ToolCall(0, "a", "f"), ToolCall(1, "b", "f"), ToolCall(0, arguments="{}"))


def test_an_answer_that_ran_out_of_resources_is_an_error():
    with pytest.raises(BackendOverloaded):
        written(Text("a"), Finish("insufficient_system_resource"))


def test_an_error_ends_a_stream_in_words_the_sdk_understands():
    assert error_frame(BrokenContract("it broke off")) == (
        b'event: error\ndata: {"type":"error","error":{"type":"server_error","message":"it broke off"}}\n\n'
    )


STARTED = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}\n\n'
)
STOPPED = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{}}\n\n'
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
CLOSES = b"event: content_block_stop"
OPENS = b'event: content_block_start\ndata: {"type":"content_block_start","index":1,'


@pytest.mark.parametrize(
    ("last", "closes", "opens"),
    [
        ((DELTA,), True, True),
        ((DELTA, PING, b": keep-alive\n\n"), True, True),
        ((DELTA, STOPPED), False, True),
        ((DELTA, STOPPED, STARTED), False, False),
        ((STOPPED, STARTED, PING, b": data: {\n\n"), False, False),
        ((), True, True),
    ],
)
def test_a_stream_that_went_out_as_it_came_is_gone_on_with_where_its_blocks_are(
    last: tuple[bytes, ...], closes: bool, opens: bool
):
    encoder = MessageEncoder(answer_id="a", model="m", thinks=True)
    for event in (Start(), Reasoning("R")):
        encoder.encode(event)
    encoder.stand(last)
    rest = encoder.encode(Text("T"))
    assert (CLOSES in rest, OPENS in rest) == (closes, opens)
    assert rest.endswith(b'"index":1,"delta":{"type":"text_delta","text":"T"}}\n\n')
