"""The server under the surfaces: an answer's head travels with its first bytes, and a real server starts and stops."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tidegate.surfaces.serving import HttpServer, JoinedWrites, http_server

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Below:
    """The transport below: notes each write and what else it was asked."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.calls

    def get_extra_info(self, name: str) -> str:
        return f"<{name}>"


@pytest.fixture
def below() -> Below:
    return Below()


@pytest.fixture
def joined(below: Below) -> Any:
    return JoinedWrites(below)  # type: ignore[arg-type]


def test_a_head_waits_for_the_bytes_after_it(below: Below, joined: Any) -> None:
    joined.write(HEAD)
    assert below.writes == []
    joined.write(b"ok")
    assert below.writes == [HEAD + b"ok"]


def test_an_empty_body_still_sends_the_head(below: Below, joined: Any) -> None:
    joined.write(HEAD)
    joined.write(b"")
    assert below.writes == [HEAD]


def test_only_the_first_bytes_are_joined(below: Below, joined: Any) -> None:
    for data in (HEAD, b"5\r\nhello\r\n", b"5\r\nworld\r\n", b"0\r\n\r\n"):
        joined.write(data)
    assert below.writes == [HEAD + b"5\r\nhello\r\n", b"5\r\nworld\r\n", b"0\r\n\r\n"]


def test_answers_on_one_connection_each_have_their_own_head(below: Below, joined: Any) -> None:
    for data in (HEAD, b"ok", HEAD, b"no"):
        joined.write(data)
    assert below.writes == [HEAD + b"ok", HEAD + b"no"]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        HEAD + b"{}",
        b"data: x\n\n",
        b"0\r\n\r\n",
    ],
)
def test_other_writes_are_left_alone(below: Below, joined: Any, data: bytes) -> None:
    joined.write(data)
    assert below.writes == [data]


def test_closing_sends_a_head_that_waits_exactly_once(below: Below, joined: Any) -> None:
    joined.write(HEAD)
    joined.close()
    joined.close()
    assert (below.writes, below.calls) == ([HEAD], ["close", "close"])


def test_all_else_is_the_transport_below(below: Below, joined: Any) -> None:
    assert joined.get_extra_info("peername") == "<peername>"
    assert joined.is_closing() is False
    joined.abort()
    assert below.calls == ["abort"]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers as the path says: whole, streamed, empty or never."""
    if scope["path"] == "/never":
        app.waits.set()
        await asyncio.get_running_loop().create_future()
    await receive()
    headers = [] if scope["path"] == "/stream" else [(b"content-length", b"2" if scope["path"] == "/" else b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/stream":
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": True})
    await send({"type": "http.response.body", "body": b"ok" if scope["path"] == "/" else b""})


app.waits = asyncio.Event()


@asynccontextmanager
async def serving(drain_s: int = 1) -> AsyncIterator[tuple[HttpServer, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = http_server(app, drain_s=drain_s)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield server, listener.getsockname()[1]
        server.should_exit = True
        await task


async def exchange(port: int, *paths: str) -> bytes:
    """Ask for these paths on one connection, and read until the server closes it after the last."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        last = "Connection: close\r\n" if path == paths[-1] else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{last}\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_real_server_answers_whole_streamed_and_empty_and_stops() -> None:
    async with serving() as (_, port):
        first, second, third = (await exchange(port, "/", "/stream", "/empty")).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(b"\r\n\r\nok")
    assert second.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert third.endswith(b"\r\n\r\n")
    assert b"server:" not in first.lower()
    with pytest.raises(ConnectionRefusedError):
        await exchange(port, "/")


async def test_a_request_that_is_no_http_is_refused_and_the_server_lives_on() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"SSH-2.0-x\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert (await exchange(port, "/")).endswith(b"ok")


async def test_a_stop_with_an_open_answer_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    app.waits = asyncio.Event()
    async with serving(drain_s=0) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        await app.waits.wait()
        server.should_exit = True
        while server.server_state.tasks:
            await asyncio.sleep(0.01)
        writer.close()
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


async def test_an_application_that_fails_is_still_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ZeroDivisionError

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = http_server(failing, drain_s=0)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        assert b" 500 " in await exchange(listener.getsockname()[1], "/")
        server.should_exit = True
        await task
    assert "Exception in ASGI application" in caplog.text


async def test_signals_stay_with_the_command() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving() as (_, port):
        await exchange(port, "/")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
