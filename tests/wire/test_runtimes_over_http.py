"""Local runtimes behind a real socket: their recorded bytes, in many small pieces, through the backend and its dialect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.samples import WEATHER, request
from tests.support.upstreams import Request, Upstream, head, in_chunk

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BrokenContract, ClientMistake
from tidegate.core.fold import Answer, Folding
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent
OFF = {"type": "disabled"}


class Runtime:
    """Answers every request with the same bytes, and keeps what it was asked."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.asked: list[dict[str, Any]] = []
        self.paths: list[bytes] = []

    async def answer(self, asked: Request) -> bool:
        self.paths.append(asked.head.split()[1])
        self.asked.append(json.loads(asked.body))
        await asked.reply(self.reply)
        return True


def streamed(name: str) -> bytes:
    """The recording in pieces of 61 bytes, so that lines, tags and characters are cut."""
    body = (FOLDER / f"{name}.sse").read_bytes()
    pieces = [in_chunk(body[place : place + 61]) for place in range(0, len(body), 61)]
    return head("200 OK", "text/event-stream; charset=utf-8") + b"".join(pieces) + in_chunk(b"")


def whole(status: str, body: dict[str, Any]) -> bytes:
    sent = json.dumps(body).encode()
    return head(status, length=len(sent)) + sent


@asynccontextmanager
async def backend_of(kind: str, runtime: Runtime) -> AsyncIterator[HttpBackend]:
    upstream = Upstream(runtime.answer)
    await upstream.start()
    transport = Transport(Limits(connect_s=10, first_byte_s=10, idle_s=10))
    endpoint = Endpoint(
        name=kind, boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=upstream.port
    )
    try:
        yield HttpBackend(transport, endpoint, dialect_named(kind), ("m",), watcher=None)
    finally:
        transport.close()
        await upstream.stop()


async def answered(kind: str, runtime: Runtime, **asked: Any) -> tuple[Answer, list[str]]:
    async with backend_of(kind, runtime) as backend:
        answering = await backend.open(request(**asked), "m", DataClass.PRIVATE)
        folding = Folding()
        while frames := await answering.read():
            for event in (event for frame in frames for event in frame.events):
                folding.add(event)
        answering.close()
        return folding.answer(), list(answering.quirks)


@pytest.mark.parametrize(
    ("kind", "recording", "stream"),
    [("vllm", "vllm-0.32.0", True), ("vllm", "vllm-0.32.0", False), ("sglang", "sglang-0.5.23", True)],
)
async def test_a_thinking_answer_is_the_contracts(kind, recording, stream):
    runtime = Runtime(streamed(f"{recording}/thinking"))
    answer, quirks = await answered(kind, runtime, stream=stream)
    assert answer.text == "The answer is 2."
    assert (answer.reasoning or "").startswith("Let me think.")
    assert runtime.paths == [b"/v1/chat/completions"]
    assert runtime.asked[0]["chat_template_kwargs"]["thinking"] is True
    assert runtime.asked[0]["stream"] is True
    assert ("VLL001" in quirks) is (kind == "vllm" and not stream)


async def test_a_call_that_vllm_cut_is_never_an_executable_one() -> None:
    runtime = Runtime(streamed("vllm-0.32.0/tools-cut"))
    answer, _ = await answered("vllm", runtime, tools=[WEATHER], max_tokens=40)
    assert (answer.finish, answer.tool_calls[0].arguments) == ("length", '{"city": "')
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning": "I should call."}
    body = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    with pytest.raises(BrokenContract, match="cut"):
        await answered("vllm", Runtime(whole("200 OK", body)), tools=[WEATHER], max_tokens=40)


async def test_without_thinking_the_r1_parsers_reasoning_is_the_answer() -> None:
    answer, quirks = await answered("vllm", Runtime(streamed("vllm-0.32.0/r1-no-closing-tag")), thinking=OFF)
    assert (answer.text, answer.reasoning) == ("Just an answer.", None)
    assert {"VLL006", "VLL007"} <= set(quirks)


async def test_inline_reasoning_is_split_for_a_client_that_waits() -> None:
    answer, quirks = await answered("vllm", Runtime(streamed("vllm-0.32.0/r1-tags-in-content")))
    assert (answer.reasoning, answer.text) == ("Let me think. 1+1=2.", "The answer is 2.")
    assert "VLL008" in quirks


async def test_a_whole_answer_of_sglang_is_read_and_its_inline_reasoning_split() -> None:
    message = {"role": "assistant", "content": "Let me think.</think>\n\nHi", "reasoning_content": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "matched_stop": 1}
    usage = {"prompt_tokens": 6, "total_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": None}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    answer, quirks = await answered("sglang", Runtime(whole("200 OK", body)))
    assert (answer.reasoning, answer.text) == ("Let me think.", "Hi")
    assert {"SGL007", "SGL009", "SGL010"} <= set(quirks)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "vllm",
            {
                "error": {
                    "message": "This model's maximum context length is 2048 tokens. However, your prompt contains at least "
                    "2049 input tokens, which exceeds this limit even without any output tokens.",
                    "type": "BadRequestError",
                    "param": "input_tokens",
                    "code": 400,
                }
            },
        ),
        (
            "sglang",
            {
                "object": "error",
                "message": "The input (2049 tokens) is longer than the model's context length (2048 tokens).",
                "type": "BadRequest",
                "param": None,
                "code": 400,
            },
        ),
    ],
)
async def test_an_overflow_is_the_clients_mistake_in_the_contracts_words(kind, body):
    with pytest.raises(ClientMistake, match=r"^This model's maximum context length is 2048 tokens\. However, you "):
        await answered(kind, Runtime(whole("400 Bad Request", body)))
