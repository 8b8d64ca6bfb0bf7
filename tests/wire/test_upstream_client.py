"""Our upstream client beside aiohttp's: whatever HTTP/1.1 a server answers, in whatever pieces, both read the same."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.upstreams import Request, Upstream

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.transport import Call, Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendFailure

Result = tuple[int, bytes] | str
FAILED = "failed"
LIMITS = Limits(connect_s=3, first_byte_s=3, idle_s=3)


@dataclass
class Raw:
    """What the server answers to every request, in these pieces, and whether it closes afterwards."""

    pieces: list[bytes] = field(default_factory=list)
    closes: bool = True

    async def __call__(self, request: Request) -> bool:
        for piece in self.pieces:
            await request.reply(piece)
            await asyncio.sleep(0)  # lets the client see the pieces one by one
        return not self.closes


@dataclass
class World:
    loop: asyncio.AbstractEventLoop
    raw: Raw
    upstream: Upstream

    def both(self, answer: bytes, cuts: list[int], *, closes: bool = True) -> tuple[Result, Result]:
        edges = [0, *sorted({cut % (len(answer) + 1) for cut in cuts}), len(answer)]
        self.raw.pieces = [answer[begin:end] for begin, end in pairwise(edges) if begin < end]
        self.raw.closes = closes
        return self.loop.run_until_complete(self._both())

    async def _both(self) -> tuple[Result, Result]:
        return await ours(self.upstream.port), await theirs(self.upstream.port)


@pytest.fixture
def world() -> Generator[World]:
    loop, raw = asyncio.new_event_loop(), Raw()
    upstream = Upstream(raw)
    loop.run_until_complete(upstream.start())
    yield World(loop, raw, upstream)
    loop.run_until_complete(upstream.stop())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


async def ours(port: int) -> Result:
    place = Endpoint(name="b", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=port)
    transport = Transport(LIMITS)
    try:
        connection = await transport.send(Call(place, DataClass.PUBLIC, "/v1/models"))
        try:
            body = b""
            while piece := await connection.read():
                body += piece
            return connection.status, body
        finally:
            connection.release(ended=True)
    except BackendFailure:
        return FAILED
    finally:
        transport.close()


async def theirs(port: int) -> Result:
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as session:
        try:
            async with session.get(f"http://127.0.0.1:{port}/v1/models", allow_redirects=False) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return FAILED


def cased(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name, name.lower(), name.upper(), name.swapcase()])


before, after = st.sampled_from(["", " ", "  ", "\t"]), st.sampled_from(["", " ", "  "])
bodies = st.binary(max_size=300) | st.sampled_from(
    [b"", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 70_000]
)
statuses = st.sampled_from([200, 201, 301, 307, 400, 404, 429, 500, 503, 599])
reasons = st.sampled_from([" OK", " Not Found At All", " ", ""])
others = st.lists(
    st.tuples(
        st.sampled_from(["Content-Type", "Date", "X-Odd_1", "Set-Cookie", "Location", "Server"]),
        st.sampled_from(["text/plain", "", "a: b", "x, y;z=1", "/elsewhere", "\u00fc"]),
    ),
    max_size=4,
)


@st.composite
def header_lines(draw: st.DrawFn, *framing: tuple[str, str]) -> bytes:
    """These and other headers in any order, odd case and extra blanks."""
    pairs = draw(st.permutations([*framing, *draw(others)]))
    lines = [f"{draw(cased(name))}:{draw(before)}{value}{draw(after)}\r\n" for name, value in pairs]
    return "".join(lines).encode("latin-1")


@st.composite
def heads(draw: st.DrawFn, *framing: tuple[str, str], version: str = "1.1") -> bytes:
    early = draw(
        st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
    )
    start = f"HTTP/{version} {draw(statuses)}{draw(reasons)}\r\n".encode()
    return early + start + draw(header_lines(*framing)) + b"\r\n"


@st.composite
def with_length(draw: st.DrawFn) -> bytes:
    body = draw(bodies)
    return draw(heads(("Content-Length", str(len(body))))) + body


@st.composite
def in_chunks(draw: st.DrawFn) -> bytes:
    """Chunks of any size, their lengths in odd hex, with extensions and trailers."""
    answer = draw(heads(("Transfer-Encoding", draw(cased("chunked")))))
    for data in draw(st.lists(st.binary(min_size=1, max_size=60), max_size=5)):
        size = draw(st.sampled_from(["{:x}", "{:X}", "0{:x}", "000{:x}"])).format(len(data))
        extension = draw(st.sampled_from(["", ";a", ";a=b", ';a="b c"', ";a=b;c=d"]))
        answer += f"{size}{extension}\r\n".encode() + data + b"\r\n"
    return answer + b"0\r\n" + draw(st.sampled_from([b"", b"X-Trailer: 1\r\n", b"A: b\r\nC: d\r\n"])) + b"\r\n"


@st.composite
def until_closed(draw: st.DrawFn) -> bytes:
    version = draw(st.sampled_from(["1.0", "1.1"]))
    return draw(heads(version=version)) + draw(bodies)


answers = with_length() | in_chunks() | until_closed()
cuts = st.lists(st.integers(0, 100_000), max_size=12)
MODERATE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@MODERATE
@given(answer=answers, cuts=cuts)
def test_both_read_the_same_status_and_body(world: World, answer: bytes, cuts: list[int]) -> None:
    mine, other = world.both(answer, cuts)
    assert mine == other
    assert mine != FAILED, "these are all sound answers"


@MODERATE
@given(answer=with_length() | in_chunks(), cuts=cuts)
def test_both_know_the_end_without_the_connection_closing(world: World, answer: bytes, cuts: list[int]) -> None:
    mine, other = world.both(answer, cuts, closes=False)
    assert mine == other
    assert mine != FAILED


@MODERATE
@given(answer=with_length() | in_chunks(), kept=st.integers(0, 10_000), cuts=cuts)
def test_both_fail_over_an_answer_that_was_cut(world: World, answer: bytes, kept: int, cuts: list[int]) -> None:
    cut = answer[: kept % len(answer)]
    mine, other = world.both(cut, cuts)
    event(f"ours {'failed' if mine == FAILED else 'read'}, theirs {'failed' if other == FAILED else 'read'}")
    assert mine == FAILED
    assert other == FAILED


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_both_refuse_what_is_not_sound_http(world: World, answer: bytes) -> None:
    assert world.both(answer, []) == (FAILED, FAILED)
