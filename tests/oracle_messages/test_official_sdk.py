"""Anthropic's own SDK reads our streams and answers from a loopback server, and sends requests that we understand."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import anthropic
import pytest

from tidegate.codecs.anthropic_messages.answer import encode_answer
from tidegate.codecs.anthropic_messages.encoder import MessageEncoder, error_frame
from tidegate.codecs.anthropic_messages.request import decode_request
from tidegate.core.errors import BackendTimedOut
from tidegate.core.events import Event, Reasoning, Start
from tidegate.core.fold import Answer, unfold
from tidegate.core.messages import Message, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import NamedTool
from tidegate.core.usage import Usage

FULL = Answer(
    start=Start(),
    text="Hello",
    reasoning="I think",
    tool_calls=(ToolCallPart("c0", "f", '{"city":"Paris"}'),),
    finish="tool_calls",
    usage=Usage(prompt=100, output=5, cache_hit=64),
)


class Loopback(HTTPServer):
    """Answers each request with `reply`, and keeps the last body it got."""

    reply = b""
    kind = "application/json"
    received = b""


class Handler(BaseHTTPRequestHandler):
    server: Loopback

    def do_POST(self) -> None:
        self.server.received = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", self.server.kind)
        self.send_header("content-length", str(len(self.server.reply)))
        self.end_headers()
        self.wfile.write(self.server.reply)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Generator[Loopback]:
    server = Loopback(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(server: Loopback) -> Generator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=f"http://127.0.0.1:{server.server_port}", api_key="none", max_retries=0
    ) as client:
        yield client


ASK: Any = {"model": "deepseek-flash", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def stream_of(events: Any, **settings: Any) -> bytes:
    encoder = MessageEncoder(answer_id="ID-1", model="deepseek-flash", **settings)
    return b"".join(encoder.encode(event) for event in events)


def check_full(message: anthropic.types.Message) -> None:
    assert message.id == "ID-1"
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    thought, said, call = message.content
    assert thought.type == "thinking" and (thought.thinking, thought.signature) == ("I think", "ID-1")
    assert said.type == "text" and said.text == "Hello"
    assert call.type == "tool_use" and (call.id, call.input) == ("c0", {"city": "Paris"})
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (36, 64, 5)


@pytest.mark.parametrize("known", [None, Usage(prompt=100, cache_hit=64)])
def test_a_stream(server: Loopback, client: anthropic.Anthropic, known: Usage | None):
    server.kind, server.reply = "text/event-stream", stream_of(unfold(FULL), usage=known)
    with client.messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == "Hello"
        check_full(stream.get_final_message())
    assert decode_request(server.received).stream


def test_a_whole_answer(server: Loopback, client: anthropic.Anthropic):
    server.reply = encode_answer(FULL, answer_id="ID-1", model="deepseek-flash")
    check_full(client.messages.create(**ASK))


def test_what_nobody_counted_is_tolerated(server: Loopback, client: anthropic.Anthropic):
    silent = Answer(start=Start(), text="Hi", finish="stop")
    server.kind, server.reply = "text/event-stream", stream_of(unfold(silent))
    with client.messages.stream(**ASK) as stream:
        assert stream.get_final_text() == "Hi"
        assert stream.current_message_snapshot.usage.output_tokens is None
    server.kind, server.reply = "application/json", encode_answer(silent, answer_id="ID-1", model="m")
    assert client.messages.create(**ASK).usage.input_tokens is None


def test_a_stream_that_fails_raises(server: Loopback, client: anthropic.Anthropic):
    begun: list[Event] = [Start(), Reasoning("R")]
    server.kind = "text/event-stream"
    server.reply = stream_of(begun) + error_frame(BackendTimedOut("the backend fell silent"))
    with pytest.raises(anthropic.APIError, match="fell silent"), client.messages.stream(**ASK) as stream:
        stream.until_done()


def test_a_request_of_the_sdk_is_understood(server: Loopback, client: anthropic.Anthropic):
    server.reply = encode_answer(FULL, answer_id="ID-1", model="deepseek-flash")
    first = client.messages.create(**ASK)
    history: Any = [
        *ASK["messages"],
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c0", "content": "sunny"}]},
    ]
    tool: Any = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
    client.messages.create(
        **{**ASK, "messages": history}, system="Be kind.", tools=[tool], tool_choice={"type": "tool", "name": "f"},
        thinking={"type": "disabled"}, metadata={"user_id": "u"}, stop_sequences=["END"],
    )  # fmt: skip
    assert json.loads(server.received)["messages"][1]["content"][0]["signature"] == "ID-1"
    request = decode_request(server.received)
    assert request.messages == (
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Hi"),)),
        Message(
            "assistant", (ReasoningPart("I think"), TextPart("Hello"), ToolCallPart("c0", "f", '{"city":"Paris"}'))
        ),
        Message("tool", (TextPart("sunny"),), call_id="c0"),
    )
    assert (request.tool_choice, request.user_id, request.stop) == (NamedTool("f"), "u", ("END",))
