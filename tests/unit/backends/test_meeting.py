"""Who is asked is told, and nobody else: a request goes over the connection that was greeted, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.support.upstreams import RecordingCloud, Request, Upstream, head

from tidegate.backends.base import Endpoint, Get, Greeting
from tidegate.backends.transport import Call, Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendFailure, BoundaryBreach, ConnectionLost, Unattested

PUBLIC, PRIVATE = DataClass.PUBLIC, DataClass.PRIVATE


class Counting(RecordingCloud):
    """Answers everything; keeps the heads, and counts connections by where they come from."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[bytes] = []
        self.peers: set[int] = set()

    async def _answer(self, request: Request) -> bool:
        self.heads.append(request.head)
        self.peers.add(request.writer.get_extra_info("peername")[1])
        return await super()._answer(request)


@pytest.fixture
async def cloud() -> AsyncIterator[Counting]:
    found = Counting()
    await found.start()
    yield found
    await found.stop()


async def ask(transport: Transport, place: Endpoint, data_class: DataClass = PUBLIC) -> int:
    connection = await transport.send(Call(place, data_class, "/v1/chat/completions", b"{}"))
    while await connection.read():
        pass
    connection.release(ended=True)
    return connection.status


def endpoint(upstream: Upstream, greeting: Greeting) -> Endpoint:
    return Endpoint(
        name="b", boundary=Boundary.DEVICE, accepts=PRIVATE, host="127.0.0.1", port=upstream.port, greeting=greeting
    )


def greeted(upstream: Upstream, seen: list[tuple[int, bytes, str]], questions: int = 2) -> Endpoint:
    async def look(get: Get, model: str) -> None:
        for _ in range(questions):
            status, body = await get("/who")
            seen.append((status, body, model))

    return endpoint(upstream, look)


class Closing(Counting):
    """Closes each connection after its answer, and says so or not."""

    says = True

    async def _answer(self, request: Request) -> bool:
        self.heads.append(request.head)
        self.peers.add(request.writer.get_extra_info("peername")[1])
        await request.reply(
            head("200 OK", "text/plain", *(["Connection: close"] if self.says else []), length=2), b"me"
        )
        return False


async def test_a_new_connection_is_greeted_and_then_carries_the_request(cloud: Counting, transport: Transport) -> None:
    seen: list[tuple[int, bytes, str]] = []
    place = greeted(cloud, seen)
    assert await ask(transport, place) == 200
    assert [one.split(b" ")[:2] for one in cloud.heads] == [[b"GET", b"/who"]] * 2 + [
        [b"POST", b"/v1/chat/completions"]
    ]
    assert len(cloud.peers) == 1, "whoever was asked hears the request, and nobody else"
    assert await ask(transport, place) == 200
    assert (len(cloud.heads), len(seen)) == (4, 2), "a kept connection is not greeted again"


async def test_each_connection_has_a_greeting_of_its_own(cloud: Counting, transport: Transport) -> None:
    seen: list[tuple[int, bytes, str]] = []
    place = greeted(cloud, seen, 1)
    first, second = [await transport.send(Call(place, PUBLIC, "/x", b"{}", model=name)) for name in "ab"]
    assert [model for _, _, model in seen] == ["a", "b"]
    assert len(cloud.peers) == 2
    for connection in (first, second):
        while await connection.read():
            pass
        connection.release(ended=True)


async def test_after_a_failed_greeting_nothing_is_sent_and_no_connection_is_kept(
    cloud: Counting, transport: Transport
) -> None:
    async def refuse(get: Get, _model: str) -> None:
        await get("/who")
        raise Unattested("no")

    place = endpoint(cloud, refuse)
    for _ in range(2):
        with pytest.raises(Unattested):
            await ask(transport, place)
    assert [one[:4] for one in cloud.heads] == [b"GET "] * 2
    assert len(cloud.peers) == 2


@pytest.mark.parametrize("broken", [b"SSH-2.0-x\r\n", b"", head("200 OK", length=5_000_000) + b" " * 5_000_000])
async def test_a_greeting_that_breaks_is_an_error_and_nothing_is_sent(transport: Transport, broken: bytes) -> None:
    heads: list[bytes] = []

    async def reply(request: Request) -> bool:
        heads.append(request.head)
        await request.reply(broken)
        return False

    upstream = Upstream(reply)
    await upstream.start()
    with pytest.raises(BackendFailure):
        await ask(transport, greeted(upstream, []))
    assert all(one.startswith(b"GET ") for one in heads)
    await upstream.stop()


async def test_a_server_that_says_that_it_closes_is_asked_all_the_same(transport: Transport) -> None:
    closing = Closing()
    await closing.start()
    seen: list[tuple[int, bytes, str]] = []
    assert await ask(transport, greeted(closing, seen)) == 200
    assert [(status, body) for status, body, _ in seen] == [(200, b"me")] * 2
    assert len(closing.peers) == 3
    await closing.stop()


async def test_a_line_that_is_lost_is_never_followed_by_one_that_was_not_greeted(transport: Transport) -> None:
    closing = Closing()
    closing.says = False
    await closing.start()
    with pytest.raises(ConnectionLost):
        await ask(transport, greeted(closing, [], 1))
    assert [one[:4] for one in closing.heads] == [b"GET "]
    await closing.stop()


async def test_a_stale_connection_is_replaced_by_one_that_was_greeted(cloud: Counting, transport: Transport) -> None:
    seen: list[tuple[int, bytes, str]] = []
    place = greeted(cloud, seen, 1)
    assert await ask(transport, place) == 200
    for connection in transport._pool(place).idle:
        connection._transport.abort()  # as a server that was killed; nobody has noticed yet
    assert await ask(transport, place) == 200
    assert len(seen) == 2


async def test_a_greeting_does_not_open_the_second_wall(cloud: Counting, transport: Transport) -> None:
    place = greeted(cloud, [])
    for wrong in (replace(place, accepts=PUBLIC), replace(place, boundary=Boundary.EXTERNAL)):
        with pytest.raises(BoundaryBreach):
            await ask(transport, wrong, PRIVATE)
    assert cloud.heads == []
