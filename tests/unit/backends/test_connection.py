"""One connection against raw loopback servers: how a body ends, what is not HTTP, how long to wait, when to go back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.support.hands import breath
from tests.support.upstreams import Request, Upstream, head, in_chunk

from tidegate.backends import connection as connection_module
from tidegate.backends.connection import Connection, Limits, StaleConnection
from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BrokenContract, GatewayError

Serve = Callable[..., Awaitable[Upstream]]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENT = Limits(connect_s=10, first_byte_s=10, idle_s=10)
OK = head("200 OK", length=2) + b"ok"
EMPTY_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Idle(list[Connection]):
    """The pool's side: who came back, and an event for the next one that does."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()

    def __call__(self, connection: Connection) -> None:
        self.append(connection)
        self.came.set()


async def connected(upstream: Upstream, limits: Limits = PATIENT, idle: Idle | None = None) -> Connection:
    loop = asyncio.get_running_loop()
    on_idle = idle if idle is not None else Idle()
    _, connection = await loop.create_connection(lambda: Connection(limits, on_idle), "127.0.0.1", upstream.port)
    return connection


async def read_all(connection: Connection) -> bytes:
    pieces: list[bytes] = []
    while piece := await connection.read():
        pieces.append(piece)
    return b"".join(pieces)


async def answer(upstream: Upstream, limits: Limits = PATIENT) -> tuple[int, bytes]:
    connection = await connected(upstream, limits)
    try:
        await connection.request(GET)
        return connection.status, await read_all(connection)
    finally:
        connection.abort()


@pytest.mark.parametrize(
    "raw",
    [
        head("200 OK", length=5) + b"hello",
        head("200 OK") + in_chunk(b"he") + in_chunk(b"llo") + in_chunk(b""),
        head("200 OK") + b"5;name=value\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + head("200 OK", length=5) + b"hello",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello",
    ],
    ids=["length", "chunks", "extension and trailer", "until closed", "told closed", "1.0", "after 100", "after 103"],
)
async def test_a_whole_body_is_read_to_its_end(serve: Serve, raw: bytes) -> None:
    assert await answer(await serve(raw)) == (200, b"hello")


@pytest.mark.parametrize("raw", [b"HTTP/1.1 204 No Content\r\n\r\n", head("304 Not Modified", length=10)])
async def test_an_answer_without_body_ends_with_its_head(serve: Serve, raw: bytes) -> None:
    status, body = await answer(await serve(raw, EMPTY_OK))
    assert (status, body) == (int(raw[9:12]), b"")


async def test_header_names_are_lower_case_and_early_hints_leave_none(serve: Serve) -> None:
    upstream = await serve(b"HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\ncOnTenT-LENGTH:   0\r\n\r\n")
    connection = await connected(upstream)
    await connection.request(GET)
    assert connection.headers == {b"content-length": b"0"}
    connection.abort()


@pytest.mark.parametrize(
    "raw",
    [
        head("200 OK", length=9) + b"hello",
        head("200 OK") + in_chunk(b"hello"),
        head("200 OK") + b"9\r\nhello",
        head("200 OK") + in_chunk(b"hello") + b"0\r\n",
    ],
    ids=["length", "no last chunk", "cut chunk", "cut trailer"],
)
async def test_a_cut_body_is_a_broken_contract(serve: Serve, raw: bytes) -> None:
    connection = await connected(await serve(raw))
    await connection.request(GET)
    with pytest.raises(BrokenContract, match="in the middle of its answer"):
        await read_all(connection)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"<html>\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_broken_contract(serve: Serve, raw: bytes) -> None:
    with pytest.raises(BrokenContract, match=r"not HTTP/1\.1"):
        await answer(await serve(raw))


async def test_a_bad_chunk_after_a_good_one_breaks_the_answer(serve: Serve) -> None:
    with pytest.raises(BrokenContract):
        await answer(await serve(head("200 OK") + in_chunk(b"hello") + b"zz\r\n"))


@pytest.mark.parametrize("pad", [["X-Pad: " + "a" * 70_000], [f"X-{n}: {'b' * 1000}" for n in range(70)]])
async def test_too_many_header_bytes_are_refused(serve: Serve, pad: list[str]) -> None:
    with pytest.raises(BrokenContract, match="too many headers"):
        await answer(await serve(head("200 OK", "text/plain", *pad, length=0)))


async def test_a_header_that_never_ends_is_refused_before_it_fills_the_memory(serve: Serve) -> None:
    async def endless(request: Request) -> bool:
        await request.reply(b"HTTP/1.1 200 OK\r\nX-Pad: ", b"a" * 1_000_000)
        return await silent(request)

    with pytest.raises(BrokenContract, match="too many headers"):
        await answer(await serve(endless), Limits(first_byte_s=0.5))


async def test_closing_without_a_word_is_unreachable_on_a_fresh_connection(serve: Serve) -> None:
    with pytest.raises(BackendUnreachable, match="without an answer"):
        await answer(await serve(b""))


async def test_a_kept_connection_that_was_closed_unheard_is_stale(serve: Serve) -> None:
    connection = await connected(await serve(OK, b""))
    await connection.request(GET)
    assert await read_all(connection) == b"ok"
    connection.release(ended=True)
    with pytest.raises(StaleConnection):
        await connection.request(GET)


async def test_a_kept_connection_that_said_half_a_word_is_not_stale(serve: Serve) -> None:
    connection = await connected(await serve(OK, b"HTTP/1.1 20"))
    await connection.request(GET)
    await read_all(connection)
    connection.release(ended=True)
    with pytest.raises(BackendUnreachable):
        await connection.request(GET)


async def silent(request: Request) -> bool:
    await request.peer_has_left()
    return False


async def only_a_head(request: Request) -> bool:
    await request.reply(head("200 OK", length=5))
    return await silent(request)


async def test_a_server_that_does_not_begin_is_given_up(serve: Serve) -> None:
    with pytest.raises(BackendTimedOut, match="did not begin to answer"):
        await answer(await serve(silent), Limits(first_byte_s=0.02))


@pytest.mark.parametrize("first_byte_s", [0.02, 600.0])
async def test_silence_inside_an_answer_ends_after_the_idle_time(serve: Serve, first_byte_s: float) -> None:
    connection = await connected(await serve(only_a_head), Limits(first_byte_s=first_byte_s, idle_s=0.02))
    await connection.request(GET)
    async with asyncio.timeout(2):
        with pytest.raises(BackendTimedOut, match="sent nothing more"):
            await connection.read()
    assert connection.closed


async def test_a_request_may_have_a_longer_limit_of_its_own(serve: Serve) -> None:
    """Where a model must be loaded first; some servers send the head before that."""
    go_on = asyncio.Event()

    async def late(request: Request) -> bool:
        await go_on.wait()
        await request.reply(head("200 OK", length=5))
        await heard.wait()
        await request.reply(b"hello")
        return await silent(request)

    heard, upstream = asyncio.Event(), await serve(late)
    connection = await connected(upstream, Limits(first_byte_s=0.0, idle_s=0.0))
    asking = asyncio.create_task(connection.request(GET, 600.0))
    await breath()  # both usual limits are over at once
    go_on.set()
    await asking
    reading = asyncio.create_task(connection.read())
    await breath()
    heard.set()
    assert await reading == b"hello"
    connection.abort()


async def test_the_longer_limit_ends_with_the_first_byte(serve: Serve) -> None:
    async def half(request: Request) -> bool:
        await request.reply(head("200 OK", length=9), b"hello")
        return await silent(request)

    connection = await connected(await serve(half), Limits(idle_s=0.02))
    await connection.request(GET, 600.0)
    assert await connection.read() == b"hello"
    async with asyncio.timeout(2):
        with pytest.raises(BackendTimedOut):
            await connection.read()


async def test_the_limit_of_one_request_is_not_the_next_ones(serve: Serve) -> None:
    connection = await connected(await serve(OK, head("200 OK", length=2)), Limits(idle_s=0.02))
    await connection.request(GET, 600.0)
    await read_all(connection)
    connection.release(ended=True)
    await connection.request(GET)
    async with asyncio.timeout(2):
        with pytest.raises(GatewayError):
            await connection.read()


async def test_a_slow_reader_holds_the_upstream_back(serve: Serve) -> None:
    total, sent = 64 * 1024 * 1024, 0

    async def pour(request: Request) -> bool:
        nonlocal sent
        await request.reply(head("200 OK", length=total))
        while sent < total:
            await request.reply(b"x" * 65_536)
            sent += 65_536
        return True

    connection = await connected(await serve(pour))
    await connection.request(GET)
    before, quiet_turns = -1, 0
    while quiet_turns < 200:
        quiet_turns = quiet_turns + 1 if sent == before else 0
        before = sent
        await asyncio.sleep(0)
    assert sent < total, "nobody read, and yet everything was taken in"
    sizes: list[int] = []
    while piece := await connection.read():
        sizes.append(len(piece))
    assert sum(sizes) == total
    assert max(sizes) <= 1024 * 1024
    connection.abort()


async def test_a_read_answer_goes_back_to_the_pool_and_serves_again(serve: Serve) -> None:
    idle = Idle()
    connection = await connected(await serve(OK, head("404 Not Found", length=2) + b"no"), idle=idle)
    await connection.request(GET)
    assert await read_all(connection) == b"ok"
    connection.release(ended=True)
    assert idle == [connection]
    await connection.request(GET)
    assert (connection.status, await read_all(connection)) == (404, b"no")
    connection.abort()


@pytest.mark.parametrize(
    "raw", [head("200 OK", "text/plain", "Connection: close", length=2) + b"ok", b"HTTP/1.0 200 OK\r\n\r\nok"]
)
async def test_a_connection_that_will_close_is_not_kept(serve: Serve, raw: bytes) -> None:
    idle = Idle()
    connection = await connected(await serve(raw), idle=idle)
    await connection.request(GET)
    assert await read_all(connection) == b"ok"
    connection.release(ended=True)
    assert idle == []
    assert connection.closed


async def test_an_answer_left_half_way_closes_its_connection(serve: Serve) -> None:
    idle, left = Idle(), asyncio.Event()

    async def half(request: Request) -> bool:
        await request.reply(head("200 OK"), in_chunk(b"he"))
        await request.peer_has_left()
        left.set()
        return False

    connection = await connected(await serve(half), idle=idle)
    await connection.request(GET)
    assert await connection.read() == b"he"
    connection.release(ended=False)
    await left.wait()
    assert (idle, connection.closed) == ([], True)


async def test_after_all_that_mattered_the_rest_may_trickle_in(serve: Serve) -> None:
    idle, go_on = Idle(), asyncio.Event()

    async def late_end(request: Request) -> bool:
        await request.reply(head("200 OK"), in_chunk(b"[DONE]"))
        await go_on.wait()
        await request.reply(in_chunk(b"ignored"), in_chunk(b""))
        return True

    connection = await connected(await serve(late_end), idle=idle)
    await connection.request(GET)
    assert await connection.read() == b"[DONE]"
    connection.release(ended=True)
    assert idle == []
    go_on.set()
    await idle.came.wait()
    assert idle == [connection]
    await connection.request(GET)
    assert await read_all(connection) == b"[DONE]ignored"
    connection.abort()


async def test_nobody_lingers_for_ever(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_LINGER_S", 0.01)
    idle, left = Idle(), asyncio.Event()

    async def never_ends(request: Request) -> bool:
        await request.reply(head("200 OK"), in_chunk(b"[DONE]"))
        await request.peer_has_left()
        left.set()
        return False

    connection = await connected(await serve(never_ends), idle=idle)
    await connection.request(GET)
    await connection.read()
    connection.release(ended=True)
    await left.wait()
    assert (idle, connection.closed) == ([], True)


@pytest.mark.parametrize("more", [head("500 Oops", length=3) + b"bad", b"HTTP/1.1 500 Oo", b"H", b"garbage"])
async def test_a_second_answer_nobody_asked_for_never_mixes_with_the_first(serve: Serve, more: bytes) -> None:
    idle = Idle()
    connection = await connected(await serve(OK + more, b""), idle=idle)
    try:
        await connection.request(GET)
        status, body = connection.status, await read_all(connection)
    except GatewayError:
        status, body = 0, b""
    connection.release(ended=True)
    assert (status, body) in [(200, b"ok"), (0, b"")]
    assert idle == [], "what it says next cannot be trusted"


async def test_a_second_answer_nobody_asked_for_never_pools_the_connection_twice(serve: Serve) -> None:
    idle, go_on, left = Idle(), asyncio.Event(), asyncio.Event()

    async def says_more(request: Request) -> bool:
        await request.reply(OK)
        await go_on.wait()
        await request.reply(OK)
        await request.peer_has_left()
        left.set()
        return False

    connection = await connected(await serve(says_more), idle=idle)
    await connection.request(GET)
    await read_all(connection)
    connection.release(ended=True)
    idle.came.clear()
    go_on.set()
    either = [asyncio.create_task(event.wait()) for event in (left, idle.came)]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    for task in either:
        task.cancel()
    assert idle == [connection], "two requests at the same time would share it and mix their answers"
    assert connection.closed
