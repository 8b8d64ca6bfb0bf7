"""Recorded bytes over a real socket, through the backend that serves them: what a client would be told of each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.samples import request
from tests.support.upstreams import Request, Upstream, head, in_chunk

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendFailed, BrokenContract, ClientMistake, GatewayError
from tidegate.core.events import End, Event
from tidegate.core.fold import Answer, fold
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent


class Replaying:
    """Answers every request with these bytes, and keeps what it was asked."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, request: Request) -> bool:
        self.asked.append(json.loads(request.body))
        await request.reply(self._reply)
        return True


@asynccontextmanager
async def backend(kind: str, replaying: Replaying) -> AsyncIterator[HttpBackend]:
    upstream, transport = Upstream(replaying), Transport(Limits(connect_s=10, first_byte_s=10, idle_s=10))
    await upstream.start()
    place = Endpoint(
        name="b", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=upstream.port
    )
    try:
        yield HttpBackend(transport, place, dialect_named(kind), ("m",), watcher=None)
    finally:
        transport.close()
        await upstream.stop()


def streamed(name: str) -> bytes:
    body = (FOLDER / f"{name}.sse").read_bytes()
    pieces = [body[begin : begin + 50] for begin in range(0, len(body), 50)]
    return head("200 OK", "text/event-stream") + b"".join(map(in_chunk, pieces)) + in_chunk(b"")


async def answered(one: HttpBackend, model: str) -> tuple[Answer, list[str]]:
    answering = await one.open(request(stream=True), model, DataClass.PRIVATE)
    events: list[Event] = []
    try:
        while frames := await answering.read():
            events += [event for frame in frames for event in frame.events]
    finally:
        answering.close()
    assert events[-1] == End()
    return fold(events), answering.quirks


@pytest.mark.parametrize(
    ("kind", "name", "model", "reasoning", "text", "quirks"),
    [
        ("lmstudio", "lmstudio-0.4.21/thinking-gpt-oss", "openai/gpt-oss-20b", "Need one word.", "Paris.", {"LMS002"}),
        ("lmstudio", "lmstudio-0.4.21/thinking-inline", "deepseek-r1-distill-qwen-7b", "1+1 is 2.", "2", {"LMS002"}),
        ("lmstudio", "lmstudio-0.4.21/nonthinking", "qwen/qwen3-8b", None, "Hello there.", set[str]()),
        ("transformers_serve", "transformers-serve-5.19/usage-unasked", "smol", None, "! I", {"TRS007"}),
    ],
)
async def test_a_recorded_answer(
    kind: str, name: str, model: str, reasoning: str | None, text: str, quirks: set[str]
) -> None:
    replaying = Replaying(streamed(name))
    async with backend(kind, replaying) as one:
        for _ in range(2):  # the connection is left in a state that the next request can use
            answer, applied = await answered(one, model)
            assert (answer.reasoning, answer.text) == (reasoning, text)
            assert quirks <= set(applied)
    assert [asked["model"] for asked in replaying.asked] == [model, model]


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("refused-overflow", ClientMistake, "This model's maximum context length is 4096 tokens."),
        ("refused-error", BrokenContract, "reported an error inside its stream"),
        ("refused-empty", BrokenContract, "REQ010"),
        ("refused-other-model", BrokenContract, "LMS007"),
    ],
)
async def test_a_recorded_refusal_comes_before_the_first_frame(name: str, error: type[GatewayError], told: str) -> None:
    async with backend("lmstudio", Replaying(streamed(f"lmstudio-0.4.21/{name}"))) as one:
        answering = await one.open(request(stream=True), "qwen/qwen3-8b", DataClass.PRIVATE)
        with pytest.raises(error, match=told):
            await answering.read()
        answering.close()


def recorded(name: str) -> bytes:
    return (FOLDER / "cyllama-0.2.18" / f"{name}.http").read_bytes()


async def test_a_whole_answer_with_its_own_head_is_read_although_a_stream_was_asked_for() -> None:
    async with backend("generic", Replaying(recorded("first"))) as one:
        answer, _ = await answered(one, "m")
    assert answer.text.strip().startswith('"Hello')
    assert (answer.finish, answer.usage and answer.usage.output) == ("stop", 8)


async def test_its_own_failure_is_not_the_clients_fault() -> None:
    async with backend("generic", Replaying(recorded("list"))) as one:
        with pytest.raises(BackendFailed, match="HTTP 500"):
            await one.open(request(), "m", DataClass.PRIVATE)


@pytest.mark.parametrize("kind", ["generic", "llamacpp"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_server_that_answers_everything_with_nothing_is_found_out(kind: str, stream: bool) -> None:
    """As cyllama 0.2.18's server does: 200, `stream` ignored, content ""."""
    async with backend(kind, Replaying(recorded("empty"))) as one:
        answering = await one.open(request(stream=stream), "m", DataClass.PRIVATE)
        with pytest.raises(BrokenContract, match="REQ010"):
            await answering.read()
        answering.close()
