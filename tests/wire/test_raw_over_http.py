"""The raw path as a client has it: recorded raw bytes over a real socket, through the gateway, on every surface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import call
from tests.support.samples import WEATHER
from tests.support.upstreams import Request, Upstream, head, in_chunk, whole_reply

from tidegate.app import App
from tidegate.config import parse_config

FOLDER = Path(__file__).parent
PATHS = {"vllm": "/v1/completions", "llamacpp": "/completion", "ollama": "/api/generate", "sglang": "/v1/completions"}
FILES = {
    "vllm": "raw-vllm-0.32.0/{}.sse",
    "llamacpp": "raw-llamacpp-b11549/{}.sse",
    "ollama": "raw-ollama-0.33.0-rc2/{}.ndjson",
}
HI = [{"role": "user", "content": "Hi"}]
FORCED = {"tools": [WEATHER], "tool_choice": "required", "thinking": {"type": "disabled"}}
PREFIX = [*HI, {"role": "assistant", "content": "", "reasoning_content": "I add", "prefix": True}]


class Runtime(Upstream):
    """Replays one recording, in pieces that fit nothing, or answers with an error."""

    def __init__(self, name: str, error: tuple[str, dict[str, Any]] | None = None) -> None:
        super().__init__(self._answer)
        self._body = (FOLDER / name).read_bytes()
        self._kind = "application/x-ndjson" if name.endswith("ndjson") else "text/event-stream"
        self._error = error
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        self.asked.append((request.head.split()[1].decode(), json.loads(request.body)))
        if self._error is not None:
            status, body = self._error
            text = json.dumps(body).encode()
            await request.reply(head(status, length=len(text)), text)
            return True
        pieces = [self._body[begin : begin + 61] for begin in range(0, len(self._body), 61)]
        await request.reply(head("200 OK", self._kind), *map(in_chunk, pieces), in_chunk(b""))
        return True


@asynccontextmanager
async def gateway(tmp_path: Path, kind: str, runtime: Runtime, **options: Any) -> AsyncIterator[App]:
    await runtime.start()
    written = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "backends": {"box": {"kind": kind, "base_url": runtime.url, "models": ["deepseek-v4-flash"], **options}},
    }
    try:
        async with App(parse_config(written), {}, tmp_path, None) as app:
            yield app
    finally:
        await runtime.stop()


async def asked(app: App, path: str, **fields: Any) -> Any:
    return await call(app.asgi, "POST", path, json.dumps({"model": "box", **fields}).encode())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["ollama"])
async def test_a_forced_tool_goes_past_the_chat_endpoint_and_comes_back_as_calls(
    tmp_path: Path, kind: str, stream: bool
) -> None:
    runtime = Runtime(FILES[kind].format("tools"))
    async with gateway(tmp_path, kind, runtime, encoding="v4") as app:
        reply = await asked(app, "/chat/completions", messages=HI, stream=stream, **FORCED)
    ((path, body),) = runtime.asked
    assert (reply.status, path) == (200, PATHS[kind])
    assert str(body["prompt"]).endswith(("<｜DSML｜tool_calls>\n", "<｜DSML｜tool_calls>\\n']"))
    assert "RAW001" in reply.headers["x-tidegate-quirks"]
    assert "DSML" not in reply.body.decode()


@pytest.mark.parametrize("stream", [True, False])
async def test_chat_prefix_completion_over_vllm(tmp_path: Path, stream: bool) -> None:
    runtime = Runtime("raw-vllm-0.32.0/thinking.sse")
    async with gateway(tmp_path, "vllm", runtime, encoding="v4") as app:
        reply = await asked(app, "/beta/chat/completions", messages=PREFIX, stream=stream)
    ((path, body),) = runtime.asked
    assert (reply.status, path) == (200, "/v1/completions")
    assert body["prompt"].endswith("<｜Assistant｜><think>I add")
    if not stream:
        answer = json.loads(reply.body)
        assert answer["choices"][0]["message"]["reasoning_content"] == "I add. 1+1=2."
        assert answer["choices"][0]["message"]["content"] == "The answer is 2."
        assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 10}


async def test_without_a_known_encoding_the_prefix_stays_refused(tmp_path: Path) -> None:
    runtime = Runtime("raw-vllm-0.32.0/thinking.sse")
    async with gateway(tmp_path, "vllm", runtime) as app:
        reply = await asked(app, "/beta/chat/completions", messages=PREFIX)
    assert (reply.status, runtime.asked) == (400, [])
    assert b"VLL005" in reply.body


async def test_a_messages_client_has_the_raw_path_too(tmp_path: Path) -> None:
    runtime = Runtime("raw-ollama-0.33.0-rc2/thinking.ndjson")
    async with gateway(tmp_path, "ollama", runtime, encoding="v4.1") as app:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        reply = await asked(app, "/anthropic/v1/messages", messages=HI, max_tokens=2000, thinking=thinking)
    answer = json.loads(reply.body)
    assert [(part["type"], part.get("thinking") or part.get("text")) for part in answer["content"]] == [
        ("thinking", "Let me think."),
        ("text", "The answer is 2."),
    ]
    assert str(runtime.asked[0][1]["prompt"]).startswith("<｜begin▁of▁sentence｜><｜System｜>Reasoning Effort")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("kind", "path"), [("vllm", "/v1/completions"), ("llamacpp", "/infill"), ("ollama", "/api/generate")]
)
async def test_a_completion_with_a_suffix(tmp_path: Path, kind: str, path: str, stream: bool) -> None:
    name = FILES[kind].format("infill" if kind == "llamacpp" else "fim")
    runtime = Runtime(name)
    async with gateway(tmp_path, kind, runtime) as app:
        reply = await asked(
            app, "/beta/completions", prompt="def add(a, b):\n", suffix="\n", stream=stream, max_tokens=60
        )
    assert (reply.status, runtime.asked[0][0]) == (200, path)
    if stream:
        assert reply.body.endswith(b"data: [DONE]\n\n")
    else:
        answer = json.loads(reply.body)
        assert (answer["object"], answer["choices"][0]["text"]) == ("text_completion", "    return a + b")


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        (
            "vllm",
            "400 Bad Request",
            {"error": {"message": "suffix is only supported for models with FIM completion rendering"}},
        ),
        (
            "llamacpp",
            "501 Not Implemented",
            {"error": {"code": 501, "message": "Infill is not", "type": "not_supported_error"}},
        ),
        ("ollama", "400 Bad Request", {"error": "registry.ollama.ai/library/secret does not support insert"}),
    ],
)
async def test_a_suffix_that_the_model_does_not_know_is_refused(
    tmp_path: Path, kind: str, status: str, error: dict[str, Any]
) -> None:
    name = FILES[kind].format("infill" if kind == "llamacpp" else "fim")
    async with gateway(tmp_path, kind, Runtime(name, (status, error))) as app:
        reply = await asked(app, "/beta/completions", prompt="a", suffix="b")
    assert reply.status == 400
    assert b"not support" in reply.body
    assert b"secret" not in reply.body


class Endless(Runtime):
    """Says a stop string and goes on until it is left alone."""

    def __init__(self) -> None:
        super().__init__("raw-vllm-0.32.0/thinking.sse")
        self.left = asyncio.Event()

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            return await super()._answer(request)
        chunk = b'data: {"model":"m","choices":[{"text":"a STOP</think>b STOP c","finish_reason":null}]}\n\n'
        await request.reply(head("200 OK", "text/event-stream"), in_chunk(chunk))
        await request.peer_has_left()
        self.left.set()
        return False


async def test_a_stop_string_ends_the_answer_and_the_runtimes_work(tmp_path: Path) -> None:
    runtime = Endless()
    async with gateway(tmp_path, "vllm", runtime, encoding="v4") as app:
        reply = await asked(app, "/beta/chat/completions", messages=PREFIX, stop=["STOP"])
        async with asyncio.timeout(10):
            await runtime.left.wait()
    answer = json.loads(reply.body)["choices"][0]
    assert (answer["message"]["reasoning_content"], answer["message"]["content"]) == ("a STOP", "b ")
    assert answer["finish_reason"] == "stop"
