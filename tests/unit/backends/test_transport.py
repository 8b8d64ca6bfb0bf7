"""The only door to the network: both walls in front of each send, pooled connections, no detours by redirect or proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.upstreams import RecordingCloud, Request, Upstream, head

from tidegate.backends import transport as transport_module
from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Connection, Limits, read_whole
from tidegate.backends.transport import Call, Transport, resolve_name
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BoundaryBreach, ConnectionLost

Serve = Callable[..., Awaitable[Upstream]]
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


def endpoint(upstream: Upstream, boundary: Boundary = Boundary.DEVICE, **more: object) -> Endpoint:
    accepts = PUBLIC if boundary is Boundary.EXTERNAL else PRIVATE
    place = Endpoint(name="b", boundary=boundary, accepts=accepts, host="127.0.0.1", port=upstream.port)
    return replace(place, **more)


async def ask(transport: Transport, place: Endpoint, data_class: DataClass = PUBLIC, body: bytes = b"{}") -> int:
    connection = await transport.send(Call(place, data_class, "/v1/chat/completions", body))
    await read_all(connection)
    connection.release(ended=True)
    return connection.status


async def read_all(connection: Connection) -> bytes:
    return b"".join([piece async for piece in pieces(connection)])


async def pieces(connection: Connection) -> AsyncIterator[bytes]:
    while piece := await connection.read():
        yield piece


def naming(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


async def test_a_finished_connection_is_used_again(cloud: Counting, transport: Transport) -> None:
    place = endpoint(cloud)
    for _ in range(5):
        assert await ask(transport, place) == 200
    assert (cloud.requests, len(cloud.peers)) == (5, 1)


async def test_requests_at_the_same_time_have_a_connection_each(cloud: Counting, transport: Transport) -> None:
    place = endpoint(cloud)
    assert await asyncio.gather(*(ask(transport, place) for _ in range(4))) == [200] * 4
    assert len(cloud.peers) == 4


async def test_another_endpoint_of_the_same_name_gets_no_old_connection(cloud: Counting, transport: Transport) -> None:
    await ask(transport, endpoint(cloud))
    await ask(transport, endpoint(cloud))
    assert len(cloud.peers) == 2


async def test_a_pooled_connection_is_checked_again_before_a_private_request(
    cloud: Counting, transport: Transport
) -> None:
    place = endpoint(cloud, Boundary.EXTERNAL)
    assert await ask(transport, place) == 200
    with pytest.raises(BoundaryBreach, match="nothing was sent"):
        await ask(transport, place, PRIVATE, b'{"secret":1}')
    assert cloud.requests == 1
    assert b"secret" not in cloud.heard


async def test_a_class_that_a_place_was_not_given_never_resolves_its_name(cloud: Counting) -> None:
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with pytest.raises(BoundaryBreach):
        await ask(Transport(resolve=resolve), endpoint(cloud, Boundary.EXTERNAL), PRIVATE)
    assert (asked, cloud.requests) == ([], 0)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1", "203.0.113.9"], ["203.0.113.9", "127.0.0.1"], ["0.0.0.0"], ["::ffff:203.0.113.9"]]
)
async def test_one_address_outside_refuses_the_name_before_any_connect(cloud: Counting, addresses: list[str]) -> None:
    with pytest.raises(BoundaryBreach, match="outside that boundary"):
        await ask(Transport(resolve=naming(*addresses)), endpoint(cloud, host="home.example"))
    assert cloud.peers == set()


async def test_a_private_place_is_checked_against_its_networks_at_connect(cloud: Counting) -> None:
    place = endpoint(cloud, Boundary.PRIVATE, host="home.example", networks=(ip_network("127.0.0.0/8"),))
    transport = Transport(resolve=naming("127.0.0.1"))
    assert await ask(transport, place, PRIVATE) == 200
    with pytest.raises(BoundaryBreach):
        await ask(transport, replace(place, networks=(ip_network("10.0.0.0/8"),)), PRIVATE)
    assert cloud.requests == 1
    transport.close()


async def test_the_peer_is_checked_after_the_connect_and_before_the_first_byte(
    cloud: Counting, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def check_address(_endpoint: Endpoint, address: str) -> None:
        checked.append(address)
        if len(checked) == 2:  # as if the kernel had led elsewhere
            raise BoundaryBreach("elsewhere")

    monkeypatch.setattr(transport_module, "check_address", check_address)
    with pytest.raises(BoundaryBreach, match="elsewhere"):
        await ask(transport, endpoint(cloud))
    assert (checked, cloud.requests) == (["127.0.0.1", "127.0.0.1"], 0)


async def test_a_connection_that_is_reset_as_it_comes_up_was_none(
    cloud: Counting, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop knows no peer then (seen in a run of `make chaos`, 2026-11-24)."""
    connect = asyncio.get_running_loop().create_connection

    async def reset_at_once(*arguments: Any, **more: Any) -> Any:
        below, connection = await connect(*arguments, **more)
        below.abort()
        monkeypatch.setattr(below, "get_extra_info", lambda _name: None)
        return below, connection

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", reset_at_once)
    with pytest.raises(BackendUnreachable, match="'b' is unreachable"):
        await ask(transport, endpoint(cloud))
    assert cloud.requests == 0


class _ClosingSecond:
    """Closes the connection of the second request without a word, once it has read it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def __call__(self, request: Request) -> bool:
        self.heard.append(request.body or b"GET")
        if len(self.heard) == 2:
            return False
        await request.reply(head("200 OK", length=2) + b"ok")
        return True


async def test_a_request_that_may_have_been_read_is_not_sent_again_by_itself(
    serve: Serve, transport: Transport
) -> None:
    server = _ClosingSecond()
    place = endpoint(await serve(server))
    await ask(transport, place, body=b"first")
    with pytest.raises(ConnectionLost, match="'b' closed its connection"):
        await ask(transport, place, body=b"second")
    assert server.heard == [b"first", b"second"]
    assert transport._pool(place).idle == [], "the other kept connections are not trusted either"


@pytest.mark.parametrize("call", [{"body": b""}, {"body": b"GET", "repeatable": True}])
async def test_what_may_go_out_twice_does(serve: Serve, transport: Transport, call: dict[str, Any]) -> None:
    server = _ClosingSecond()
    place = endpoint(await serve(server))
    for _ in range(2):
        connection = await transport.send(Call(place, PUBLIC, "/v1/models", **call))
        assert await read_whole(connection, 10) == b"ok"
        connection.release(ended=True)
    assert server.heard == [b"GET"] * 3


async def test_a_connection_that_is_ending_is_not_taken(cloud: Counting, transport: Transport) -> None:
    place = endpoint(cloud)
    await ask(transport, place)
    (kept,) = transport._pool(place).idle
    kept._transport.abort()  # the event loop knows, and has not told it yet
    assert not kept.closed
    assert await ask(transport, place) == 200
    assert cloud.requests == 2


async def test_a_request_is_not_sent_again_once_anything_was_heard(serve: Serve, transport: Transport) -> None:
    heard: list[bytes] = []

    async def stutters(request: Request) -> bool:
        heard.append(request.body)
        await request.reply(head("200 OK", length=2) + b"ok" if len(heard) == 1 else b"HTTP/1.1 2")
        return len(heard) == 1

    place = endpoint(await serve(stutters))
    await ask(transport, place, body=b"first")
    with pytest.raises(BackendUnreachable):
        await ask(transport, place, body=b"second")
    assert heard == [b"first", b"second"]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_handed_back_and_never_followed(
    serve: Serve, cloud: Counting, transport: Transport, status: str
) -> None:
    upstream = await serve(head(status, "text/plain", f"Location: {cloud.url}/chat/completions", length=0))
    assert await ask(transport, endpoint(upstream)) == int(status[:3])
    assert cloud.peers == set()


async def test_proxy_variables_have_no_effect(
    serve: Serve, cloud: Counting, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, cloud.url)
        monkeypatch.setenv(name.lower(), cloud.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert await ask(transport, endpoint(await serve(head("200 OK", length=0)))) == 200
    assert cloud.peers == set()


async def test_key_path_and_length_stand_in_the_head_exactly_once(cloud: Counting, transport: Transport) -> None:
    place = endpoint(cloud, base_path="/under", key="sk-key")
    for body in (b"{}", b'{"longer":true}'):
        await ask(transport, place, body=body)
        sent = cloud.heads[-1]
        assert sent.startswith(b"POST /under/v1/chat/completions HTTP/1.1\r\n")
        lines = sent.decode().split("\r\n")
        assert lines.count("Authorization: Bearer sk-key") == 1
        assert lines.count(f"Content-Length: {len(body)}") == 1
        assert sent.lower().count(b"content-length") == sent.count(b"sk-key") == sent.count(b"Host:") == 1


async def test_a_call_without_body_is_a_get_without_length_or_key(cloud: Counting, transport: Transport) -> None:
    await ask(transport, endpoint(cloud), body=b"")
    assert cloud.heads[0].startswith(b"GET /v1/chat/completions HTTP/1.1\r\n")
    assert b"ontent-" not in cloud.heads[0]
    assert b"uthorization" not in cloud.heads[0]
    assert b"Accept-Encoding" not in cloud.heads[0]


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("home.example", "home.example")])
async def test_the_host_header_names_the_host_with_its_port(cloud: Counting, host: str, shown: str) -> None:
    transport = Transport(resolve=naming("127.0.0.1"))
    await ask(transport, endpoint(cloud, host=host))
    assert f"\r\nHost: {shown}:{cloud.port}\r\n".encode() in cloud.heads[0]
    transport.close()


async def test_the_next_address_is_tried_when_one_refuses(cloud: Counting) -> None:
    transport = Transport(resolve=naming("::1", "127.0.0.1"))
    assert await ask(transport, endpoint(cloud, host="home.example")) == 200
    transport.close()


async def test_where_nobody_listens_is_unreachable(serve: Serve, transport: Transport) -> None:
    gone = await serve(b"")
    await gone.stop()
    with pytest.raises(BackendUnreachable, match="'b' is unreachable; is it running"):
        await ask(transport, endpoint(gone))
    await gone.start()


@pytest.mark.parametrize("known", [True, False])
async def test_a_name_that_leads_nowhere_is_unreachable(cloud: Counting, known: bool) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        if not known:
            raise OSError("no such name")
        return []

    with pytest.raises(BackendUnreachable):
        await ask(Transport(resolve=resolve), endpoint(cloud))


async def test_a_connect_that_takes_too_long_is_given_up(cloud: Counting) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return await asyncio.get_running_loop().create_future()

    with pytest.raises(BackendTimedOut, match="could not be reached in time"):
        await ask(Transport(Limits(connect_s=0.01), resolve), endpoint(cloud))


async def test_closing_ends_the_idle_connections(cloud: Counting, transport: Transport) -> None:
    place = endpoint(cloud)
    connection = await transport.send(Call(place, PUBLIC, "/v1/models"))
    await read_all(connection)
    connection.release(ended=True)
    transport.close()
    assert connection.closed
    assert await ask(transport, place) == 200
    assert len(cloud.peers) == 2


async def test_an_answer_that_ends_after_closing_does_not_come_back(cloud: Counting, transport: Transport) -> None:
    connection = await transport.send(Call(endpoint(cloud), PUBLIC, "/v1/models"))
    await read_all(connection)
    transport.close()
    connection.release(ended=True)
    assert connection.closed


async def test_names_resolve_to_each_address_once() -> None:
    assert await resolve_name("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ssl.SSLContext]]:
    """Makes certificates that this machine trusts while the test lasts."""
    authority, certificate = trustme.CA(), tmp_path / "certificate.pem"
    authority.cert_pem.write_to_path(str(certificate))

    def make(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport_module._tls.cache_clear()
    yield make
    transport_module._tls.cache_clear()


@pytest.mark.parametrize("named", ["home.example", "other.example"])
async def test_a_certificate_counts_only_for_its_own_name(
    trusted: Callable[[str], ssl.SSLContext], cloud: Counting, named: str
) -> None:
    server = await asyncio.start_server(cloud._serve, "127.0.0.1", 0, ssl=trusted(named), ssl_shutdown_timeout=0.1)
    port = server.sockets[0].getsockname()[1]
    place = endpoint(cloud, scheme="https", host="home.example", port=port, key="sk-key")
    transport = Transport(resolve=naming("127.0.0.1"))
    if named == place.host:
        assert await ask(transport, place, body=b'{"in":"TLS"}') == 200
        assert b"TLS" in cloud.heard
    else:
        with pytest.raises(BackendUnreachable):
            await ask(transport, place)
        assert cloud.requests == 0
    transport.close()
    server.close()


async def test_an_unread_answer_leaves_its_connection_fit_for_the_next(serve: Serve) -> None:
    """An answer just over the buffer's limit pauses the connection as it ends; back in the pool it must listen again."""
    big = b"x" * (512 * 1024 + 1000)

    async def reply(request: Request) -> bool:
        await request.reply(head("200 OK", "text/plain", length=len(big)), big)
        return True

    upstream = await serve(reply)
    transport = Transport(Limits(connect_s=5, first_byte_s=5, idle_s=5))
    endpoint = Endpoint(name="b", boundary=Boundary.DEVICE, accepts=PRIVATE, host="127.0.0.1", port=upstream.port)
    used: set[Connection] = set()
    for _ in range(2):
        connection = await transport.send(Call(endpoint, PRIVATE, "/x"))
        used.add(connection)
        while not connection._complete:
            await asyncio.sleep(0)
        connection.release(ended=True)
    assert len(used) == 1
    transport.close()
