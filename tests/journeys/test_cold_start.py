"""A backend that is slow to begin, over real sockets: what clients and their SDKs see until it does, or does not."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from tests.support.upstreams import LOADING, Request, Upstream, head, whole_reply

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.resilience.lanes import OwnLanes
from tidegate.surfaces.serving import http_server

LOADS = head("503 Service Unavailable", length=len(LOADING)) + LOADING
FAILS = head("500 Oops", length=2) + b"{}"
SIGNS = (b": keep-alive\n\n", b"\n")
HELLO = "Hello there."
SURFACES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    "messages": ("/anthropic/v1/messages", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}),
}


@dataclass
class Runtime:
    """A llama.cpp that does as `on_request` says with each request for an answer, and counts them."""

    on_request: Callable[[Request], Awaitable[bytes]]
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0
    upstream: Upstream = field(init=False)

    def __post_init__(self) -> None:
        self.upstream = Upstream(self._serve)

    async def _serve(self, request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = await self.on_request(request)
        finally:
            self.at_once -= 1
        await request.reply(reply)
        return True


@dataclass
class Gateway:
    """A gateway on a port; `signed` is set when it sends a sign of life, `placed` when one that tells a place in the line."""

    app: App
    url: str
    port: int
    signed: asyncio.Event
    placed: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def send(self, surface: str = "chat", **fields: Any) -> asyncio.StreamReader:
        """The raw answer, from its first byte on. The connection is closed after it."""
        path, own = SURFACES[surface]
        body = json.dumps({"model": "m", **own, **fields}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(lines.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.writers.append(writer)
        return reader

    async def leave(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def openai(self, **more: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.url, api_key="unused", **{"max_retries": 0, "timeout": 60, **more})

    def anthropic(self, **more: Any) -> anthropic.AsyncAnthropic:
        base_url = f"{self.url}/anthropic"
        return anthropic.AsyncAnthropic(
            base_url=base_url, api_key="unused", **{"max_retries": 0, "timeout": 60, **more}
        )


@asynccontextmanager
async def gateway(folder: Path, runtime: Runtime, **backend: Any) -> AsyncIterator[Gateway]:
    await runtime.upstream.start()
    written: dict[str, Any] = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "timeouts": {"keep_alive_s": 0.01},
        "retry": {"attempts": 1},
        "backends": {"home": {"kind": "llamacpp", "base_url": runtime.upstream.url, "models": ["m"], **backend}},
    }
    app, signed = App(parse_config(written), {}, folder, None), asyncio.Event()
    async with app:

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            async def send_noting(message: Any) -> None:
                await send(message)
                if (body := message.get("body", b"")) in SIGNS:
                    signed.set()
                if b" before you" in body:
                    made.placed.set()

            assert app.asgi is not None
            await app.asgi(scope, receive, send_noting)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server, port = http_server(noting, drain_s=0), listener.getsockname()[1]
            task = asyncio.create_task(server.serve(sockets=[listener]))
            made = Gateway(app, f"http://127.0.0.1:{port}", port, signed)
            yield made
            for writer in made.writers:
                await made.leave(writer)
            server.should_exit = True
            await task
    await runtime.upstream.stop()


@pytest.fixture(autouse=True)
def quick_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.resilience.retry._FIRST_LOADING_S", 0.001)


def held(until: asyncio.Event, *failures: bytes) -> Runtime:
    """Says nothing until the event; then fails so often, and answers after that."""
    left = list(failures)

    async def on_request(request: Request) -> bytes:
        await until.wait()
        return left.pop(0) if left else whole_reply(request.body)

    return Runtime(on_request)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_model_that_loads_is_waited_for(tmp_path: Path, stream: bool) -> None:
    left = [LOADS, LOADS]

    async def on_request(request: Request) -> bytes:
        return left.pop(0) if left else whole_reply(request.body)

    runtime = Runtime(on_request)
    async with gateway(tmp_path, runtime) as made:
        raw = await (await made.send(stream=stream)).read()
        assert raw.startswith(b"HTTP/1.1 200 ")
        assert (b"there." in raw, runtime.asked) == (True, 3)
        view = made.app.registry.snapshot().backends[0]
        assert view.health == "up"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("surface", SURFACES)
async def test_a_waiting_client_hears_that_it_is_not_forgotten(tmp_path: Path, surface: str, stream: bool) -> None:
    answers = asyncio.Event()
    async with gateway(tmp_path, held(answers)) as made:
        reader = await made.send(surface, stream=stream)
        begun = await reader.readuntil(b"\r\n\r\n")
        sign = SIGNS[0] if stream else SIGNS[1]
        chunk = b"%x\r\n%b\r\n" % (len(sign), sign)
        assert await reader.readexactly(3 * len(chunk)) == 3 * chunk
        answers.set()
        rest = await reader.read()
    assert begun.startswith(b"HTTP/1.1 200 ")
    assert b"x-tidegate-backend" not in begun.lower()
    assert b"there." in rest
    assert rest.endswith(b"\r\n0\r\n\r\n")


async def ask_openai(client: openai.AsyncOpenAI, stream: bool) -> str:
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    if not stream:
        return (await client.chat.completions.create(**asked)).choices[0].message.content or ""
    chunks = await client.chat.completions.create(**asked, stream=True)
    return "".join([choice.delta.content or "" async for chunk in chunks for choice in chunk.choices])


async def ask_anthropic(client: anthropic.AsyncAnthropic, stream: bool) -> str:
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
    if not stream:
        blocks = (await client.messages.create(**asked)).content
        return "".join(block.text for block in blocks if block.type == "text")
    async with client.messages.stream(**asked) as events:
        return await events.get_final_text()


SDKS: dict[str, tuple[Any, Any, Any]] = {
    "openai": (Gateway.openai, ask_openai, openai),
    "anthropic": (Gateway.anthropic, ask_anthropic, anthropic),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("sdk", SDKS)
async def test_official_sdks_read_over_the_signs(tmp_path: Path, sdk: str, stream: bool) -> None:
    client_of, ask, _ = SDKS[sdk]
    answers = asyncio.Event()
    async with gateway(tmp_path, held(answers)) as made, client_of(made) as client:
        asking = asyncio.create_task(ask(client, stream))
        await made.signed.wait()
        answers.set()
        assert await asking == HELLO


@pytest.mark.parametrize("sdk", SDKS)
async def test_official_sdks_read_over_the_place_in_the_line(tmp_path: Path, sdk: str) -> None:
    client_of, ask, _ = SDKS[sdk]
    answers = asyncio.Event()
    async with gateway(tmp_path, held(answers), slots=1) as made, client_of(made) as client:
        first = await made.send(stream=True)
        await first.readuntil(b": keep-alive\n\n")
        asking = asyncio.create_task(ask(client, stream=True))
        await made.placed.wait()
        answers.set()
        assert await asking == HELLO
        await first.read()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("sdk", SDKS)
async def test_official_sdks_raise_when_it_fails_after_a_sign(tmp_path: Path, sdk: str, stream: bool) -> None:
    """A whole reply is left without its end, so that nobody takes the error for an answer."""
    client_of, ask, package = SDKS[sdk]
    fails = asyncio.Event()
    async with gateway(tmp_path, held(fails, FAILS)) as made, client_of(made) as client:
        asking = asyncio.create_task(ask(client, stream))
        await made.signed.wait()
        fails.set()
        with pytest.raises(package.APIError) as raised:
            await asking
    if stream:
        assert "the backend failed (HTTP 500)" in str(raised.value)
    else:
        assert isinstance(raised.value, package.APIConnectionError)


@pytest.mark.parametrize("sdk", SDKS)
async def test_official_sdks_ask_again_for_a_whole_reply_without_its_end(tmp_path: Path, sdk: str) -> None:
    client_of, ask, _ = SDKS[sdk]
    fails = asyncio.Event()
    runtime = held(fails, FAILS)
    async with gateway(tmp_path, runtime) as made, client_of(made, max_retries=1) as client:
        asking = asyncio.create_task(ask(client, stream=False))
        await made.signed.wait()
        fails.set()
        assert await asking == HELLO
    assert runtime.asked == 2


async def test_with_its_end_openais_sdk_would_take_the_error_for_an_answer(tmp_path: Path) -> None:
    """Why the end is left out: when this fails, the SDK has learned to see it (docs/decisions/0009)."""
    body = b'\n\n{"error":{"message":"no","type":"server_error","param":null,"code":"invalid_request_error"}}'

    async def good_end(request: Request) -> bool:
        await request.reply(head("200 OK", length=len(body)) + body)
        return True

    upstream = Upstream(good_end)
    await upstream.start()
    async with openai.AsyncOpenAI(base_url=upstream.url, api_key="unused", max_retries=0) as client:
        got = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    await upstream.stop()
    assert got.choices is None, "no error was raised"


def waits(lanes: OwnLanes) -> tuple[int, int | None, int]:
    [home] = lanes.view()
    return home.used, home.total, home.waiting


async def test_a_backend_gets_no_more_at_once_than_it_has_slots(tmp_path: Path) -> None:
    """The second client waits here and hears so; the third leaves the line, and the runtime never learns of it."""
    answers = asyncio.Event()
    runtime = held(answers)
    async with gateway(tmp_path, runtime, slots=1) as made:
        lanes = made.app.lanes
        first = await made.send(stream=True)
        await first.readuntil(b": keep-alive\n\n")
        second = await made.send(stream=True)
        await second.readuntil(b": keep-alive, 0 before you, waiting 0 s\n\n")
        third = await made.send(stream=True)
        await third.readuntil(b": keep-alive, 1 before you, waiting 0 s\n\n")
        assert (waits(lanes), runtime.asked) == ((1, 1, 2), 1)
        await made.leave(made.writers[-1])
        while lanes.view()[0].waiting == 2:
            await asyncio.sleep(0)
        answers.set()
        for reader in (first, second):
            assert b"[DONE]" in await reader.read()
        assert waits(lanes) == (0, 1, 0)
    assert (runtime.asked, runtime.most_at_once) == (2, 1)


async def test_a_full_line_is_told_at_once(tmp_path: Path) -> None:
    answers = asyncio.Event()
    async with gateway(tmp_path, held(answers), slots=1, queue=0) as made:
        first = await made.send(stream=True)
        await first.readuntil(b": keep-alive\n\n")
        raw = await (await made.send(stream=True)).read()
        assert raw.startswith(b"HTTP/1.1 503 ")
        assert b"raise `slots` or `queue` in [backends.home]" in raw
        answers.set()
        await first.read()
