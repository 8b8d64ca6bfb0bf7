"""The only door to the network: pooled connections to endpoints, and the second wall in front of each send.

Checks class against boundary at every send and the resolved address at every connect; connects to the checked address
itself, and where the endpoint asks for it looks who is there before a new connection carries a request. No redirects, no
proxy environment, no name is trusted.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cache, partial

from msgspec import Struct

from tidegate import __version__
from tidegate.backends.base import Endpoint, Greeting, Holds
from tidegate.backends.clearance import check_address, check_class, check_masked
from tidegate.backends.connection import Connection, Limits, StaleConnection
from tidegate.backends.meeting import Meeting, OnIdle
from tidegate.core.boundary import DataClass
from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BoundaryBreach, ConnectionLost

Resolve = Callable[[str, int], Awaitable[list[str]]]
_MOST_IDLE = 256
_MEETINGS = 3


class Call(Struct, frozen=True, gc=False):
    """One request to an endpoint. An empty body makes it a GET. `model` is told to the endpoint's greeting only."""

    endpoint: Endpoint
    data_class: DataClass
    path: str
    body: bytes = b""
    streamed: bool = False
    model: str = ""
    first_byte_s: float | None = None
    """Stands for the transport's own limit, where a model must be loaded first."""
    holds: Holds | None = None
    """Says whether the body still holds what was to be masked."""
    headers: tuple[tuple[str, str], ...] = ()
    """More of them, for what the gateway sends of its own; never of a client's."""
    repeatable: bool = False
    """A question of ours: it may go out twice without anybody noting it. One without a body always may."""


async def resolve_name(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Pool:
    """The idle connections of one endpoint, newest first, and its request heads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.idle: list[Connection] = []
        self.closed = False
        self._heads: dict[tuple[str, bool, bool], bytes] = {}

    def take(self) -> Connection | None:
        while self.idle:
            connection = self.idle.pop()
            if not connection.is_over:
                return connection
        return None

    def put(self, connection: Connection) -> None:
        if self.closed or len(self.idle) >= _MOST_IDLE:
            connection.abort()
        else:
            self.idle.append(connection)

    def close(self) -> None:
        self.closed = True
        self.drop_idle()

    def drop_idle(self) -> None:
        for connection in self.idle:
            connection.abort()
        self.idle.clear()

    def question(self, path: str) -> bytes:
        return self.payload(Call(self.endpoint, DataClass.PUBLIC, path))

    def payload(self, call: Call) -> bytes:
        variant = (call.path, bool(call.body), call.streamed)
        head = _head(call) if call.headers else self._heads.get(variant)
        if head is None:
            head = self._heads[variant] = _head(call)
        return b"%b%d\r\n\r\n%b" % (head, len(call.body), call.body) if call.body else head


def _head(call: Call) -> bytes:
    """The request head; of a POST up to the value of its last header, Content-Length."""
    endpoint = call.endpoint
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    accept = "text/event-stream" if call.streamed else "application/json"
    lines = [
        f"{'POST' if call.body else 'GET'} {endpoint.base_path}{call.path} HTTP/1.1",
        f"Host: {host}:{endpoint.port}",
        f"User-Agent: tidegate/{__version__}",
        f"Accept: {accept}",
    ]
    if endpoint.key is not None:
        lines.append(f"Authorization: Bearer {endpoint.key}")
    lines += [f"{name}: {value}" for name, value in call.headers]
    if call.body:
        lines += ["Content-Type: application/json", "Content-Length: "]
        return "\r\n".join(lines).encode("latin-1")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _may_go_out_again(call: Call) -> None:
    """Whether the server has read it cannot be known. So who asks with content decides, and each sending is noted."""
    if call.body and not call.repeatable:
        raise ConnectionLost(
            f"backend {call.endpoint.name!r} closed its connection without an answer; try again"
        ) from None


class Transport:
    """One method wide: `send`."""

    def __init__(self, limits: Limits | None = None, resolve: Resolve = resolve_name) -> None:
        self.limits = limits or Limits()
        self._resolve = resolve
        self._pools: dict[str, _Pool] = {}

    async def send(self, call: Call) -> Connection:
        """Send the call and return the connection once headers are there; read it, then release it."""
        check_class(call.endpoint, call.data_class)
        if call.holds is not None:
            check_masked(call.endpoint, call.body, call.holds)
        pool = self._pool(call.endpoint)
        payload = pool.payload(call)
        kept = pool.take()
        if kept is not None:
            try:
                return await self._begin(kept, payload, call.first_byte_s)
            except StaleConnection:
                pool.drop_idle()  # it was the newest of them
                _may_go_out_again(call)
        greeting = call.endpoint.greeting
        if greeting is None:
            return await self._begin(await self._connect(pool, pool.put), payload, call.first_byte_s)
        return await self._greet_and_begin(pool, greeting, call)

    async def _greet_and_begin(self, pool: _Pool, greeting: Greeting, call: Call) -> Connection:
        payload = pool.payload(call)
        for _ in range(_MEETINGS):
            meeting = Meeting(partial(self._connect, pool), pool.question, pool.put)
            try:
                await greeting(meeting.get, call.model)
                meeting.over = True
                line = await meeting.line()
            except StaleConnection:
                continue
            except BaseException:
                meeting.leave()
                raise
            try:
                return await self._begin(line, payload, call.first_byte_s)
            except StaleConnection:
                _may_go_out_again(call)
        raise BackendUnreachable(f"backend {pool.endpoint.name!r} closes its connections before they can be used")

    async def _begin(self, connection: Connection, payload: bytes, first_byte_s: float | None) -> Connection:
        try:
            await connection.request(payload, first_byte_s)
        except BaseException:
            connection.abort()
            raise
        return connection

    def _pool(self, endpoint: Endpoint) -> _Pool:
        pool = self._pools.get(endpoint.name)
        if pool is None or pool.endpoint is not endpoint:
            if pool is not None:
                pool.close()
            pool = self._pools[endpoint.name] = _Pool(endpoint)
        return pool

    async def _connect(self, pool: _Pool, on_idle: OnIdle) -> Connection:
        endpoint = pool.endpoint
        try:
            async with asyncio.timeout(self.limits.connect_s):
                addresses = await self._resolve(endpoint.host, endpoint.port)
                for address in addresses:
                    check_address(endpoint, address)
                return await self._connect_to(endpoint, on_idle, addresses)
        except TimeoutError:
            raise BackendTimedOut(f"backend {endpoint.name!r} could not be reached in time") from None
        except OSError:
            raise BackendUnreachable(f"backend {endpoint.name!r} is unreachable; is it running?") from None

    async def _connect_to(self, endpoint: Endpoint, on_idle: OnIdle, addresses: list[str]) -> Connection:
        loop = asyncio.get_running_loop()
        secure = endpoint.scheme == "https"
        for position, address in enumerate(addresses):
            try:
                transport, connection = await loop.create_connection(
                    lambda: Connection(self.limits, on_idle),
                    address,
                    endpoint.port,
                    ssl=_tls() if secure else None,
                    server_hostname=endpoint.host if secure else None,
                )
                peer = transport.get_extra_info("peername")
                if not peer:  # it was reset in the same moment, and whom it was to is not known any more
                    connection.abort()
                    raise ConnectionResetError
            except OSError:
                if position == len(addresses) - 1:
                    raise
                continue
            try:
                check_address(endpoint, str(peer[0]))
            except BoundaryBreach:
                connection.abort()
                raise
            return connection
        raise OSError("the name resolves to no address")

    def adjust(self, limits: Limits) -> None:
        """Other limits from now on. Idle connections have the old ones, so they go; those at work end as they began."""
        if limits != self.limits:
            self.limits = limits
            self.close()

    def forget(self, name: str) -> None:
        """Nobody will ask this backend again."""
        if (pool := self._pools.pop(name, None)) is not None:
            pool.close()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
