"""What a backend can take: configured before told before known, and the longer limit only where a load may come first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.hands import breath
from tests.support.samples import request
from tests.support.upstreams import LOADING, Request, Upstream, head, whole_reply

from tidegate.backends.base import Endpoint, Room
from tidegate.backends.capacity import Capacity
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import (
    BackendLoading,
    BackendRefused,
    BackendTimedOut,
    BrokenContract,
    GatewayError,
)
from tidegate.core.events import Text
from tidegate.dialects.base import Dialect
from tidegate.dialects.generic import GENERIC
from tidegate.dialects.llamacpp import LLAMACPP
from tidegate.dialects.lmstudio import LMSTUDIO
from tidegate.dialects.ollama import OLLAMA
from tidegate.dialects.vllm import VLLM

Serve = Callable[..., Awaitable[Upstream]]
PUBLIC = DataClass.PUBLIC
LIMITS = Limits(first_byte_s=20, load_s=700, queue_s=9)


def capacity(dialect: Dialect, **more: Any) -> Capacity:
    return Capacity("home", dialect, LIMITS, **more)


class Server:
    """Answers each path with these bytes, or fails as told; keeps what it was asked."""

    def __init__(self, *answers: bytes | GatewayError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, path: str) -> bytes:
        self.asked.append(path)
        answer = self._answers.pop(0)
        if isinstance(answer, GatewayError):
            raise answer
        return answer


@pytest.mark.parametrize(("dialect", "total"), [(GENERIC, None), (VLLM, None), (OLLAMA, None), (LMSTUDIO, 4)])
def test_what_the_runtime_is_known_for_holds_until_more_is_known(dialect: Dialect, total: int | None) -> None:
    assert capacity(dialect).room.slots == total
    assert capacity(dialect, slots=7).room.slots == 7


async def test_real_slots_are_taken_where_they_are_told() -> None:
    one, server = capacity(LLAMACPP), Server(b'{"total_slots":3}', b'{"total_slots":2}', BackendRefused(""), b"{}")
    assert one.room.slots is None
    seen: list[int | None] = []
    for _ in range(4):
        await one.refresh(server)
        seen.append(one.room.slots)
    assert seen == [3, 2, 2, 2], "a cap that was told once stays when the server does not tell it any more"
    assert server.asked == ["/props"] * 4


async def test_configured_slots_are_not_asked_for() -> None:
    one, server = capacity(LLAMACPP, slots=1), Server()
    await one.refresh(server)
    assert (one.room.slots, server.asked) == (1, [])


async def test_a_runtime_that_tells_nothing_is_asked_nothing() -> None:
    server = Server()
    await capacity(VLLM).refresh(server)
    assert server.asked == []


async def test_a_model_that_must_be_loaded_first_has_the_longer_limit() -> None:
    one = capacity(OLLAMA)
    assert one.first_byte_s("qwen3") == 700, "nobody has looked yet"
    server = Server(b'{"models":[{"name":"qwen3:latest"}]}', b'{"models":[]}', b'{"models":[{"name":"qwen3:latest"}]}')
    seen: list[tuple[float | None, float | None]] = []
    for _ in range(3):
        await one.refresh(server)
        seen.append((one.first_byte_s("qwen3"), one.first_byte_s("llama4:8b")))
    assert seen == [(None, 700), (700, 700), (None, 700)]
    assert server.asked == ["/api/ps"] * 3


@pytest.mark.parametrize("failure", [BackendRefused("no"), BrokenContract("no"), b"<html>"])
async def test_what_is_in_memory_is_not_known_any_more_when_it_cannot_be_read(failure: bytes | GatewayError) -> None:
    one = capacity(LMSTUDIO)
    server = Server(b'{"data":[{"id":"m","state":"loaded"}]}', failure)
    await one.refresh(server)
    assert one.first_byte_s("m") is None
    await one.refresh(server)
    assert one.first_byte_s("m") == 700


@pytest.mark.parametrize("dialect", [GENERIC, VLLM, LLAMACPP])
def test_a_runtime_that_loads_at_its_start_has_one_limit(dialect: Dialect) -> None:
    assert capacity(dialect).first_byte_s("m") is None


def test_its_room_has_the_line_and_the_pacing_it_was_given() -> None:
    one = capacity(GENERIC, slots=1, queue=0, paced=False)
    assert one.room == Room("home", 1, 0, "`slots` or `queue` in [backends.home]", paced=False)


# -- in a backend over HTTP --------------------------------------------------------------------------------------------


def place(upstream: Upstream, boundary: Boundary = Boundary.DEVICE) -> Endpoint:
    return Endpoint(name="b", boundary=boundary, accepts=DataClass.PRIVATE, host="127.0.0.1", port=upstream.port)


def at(transport: Transport, upstream: Upstream, dialect: Dialect = GENERIC, **more: Any) -> HttpBackend:
    return HttpBackend(transport, place(upstream), dialect, ("m",), watcher=transport, **more)


def sized(status: str, body: bytes, *more: str, kind: str = "application/json") -> bytes:
    return head(status, kind, *more, length=len(body)) + body


async def test_a_backend_that_loads_is_starting_until_it_has_loaded(serve: Serve, transport: Transport) -> None:
    one = at(transport, await serve(*[sized("503 Busy", LOADING)] * 2, whole_reply(b""), b""), LLAMACPP)
    with pytest.raises(BackendLoading):
        await one.open(request(), "m", PUBLIC)
    seen = [one.view.health]
    for _ in range(2):
        await one.refresh()
        seen.append(one.view.health)
    assert seen == ["starting", "starting", "up"]


async def test_what_a_server_tells_of_itself_is_asked_when_it_is_looked_at(serve: Serve, transport: Transport) -> None:
    async def props(heard: Request) -> bool:
        told = b'{"total_slots":3}' if heard.head.startswith(b"GET /props ") else None
        await heard.reply(sized("200 OK", told) if told else whole_reply(heard.body))
        return True

    one = at(transport, await serve(props), LLAMACPP)
    await one.refresh()
    assert (one.view.health, one.room.slots) == ("up", 3)


async def test_a_model_that_is_not_in_memory_may_begin_later(serve: Serve, transport: Transport) -> None:
    """Ollama says nothing until it has loaded; the usual limit is over at once here."""
    released = asyncio.Event()
    memory = [b'{"models":[]}', b'{"models":[{"name":"m:latest"}]}']

    async def ollama(heard: Request) -> bool:
        if b"/api/ps" in heard.head:
            await heard.reply(sized("200 OK", memory.pop(0)))
        elif heard.body:
            await released.wait()
            said = {"model": "m", "message": {"content": "Hi"}, "done": True, "done_reason": "stop"}
            lines = json.dumps({**said, "prompt_eval_count": 1, "eval_count": 1}).encode() + b"\n"
            await heard.reply(sized("200 OK", lines, kind="application/x-ndjson"))
        else:
            await heard.reply(whole_reply(b""))
        return True

    impatient = Transport(Limits(first_byte_s=0.0, load_s=600))
    one = HttpBackend(impatient, place(await serve(ollama)), OLLAMA, ("m",), watcher=transport)
    await one.refresh()
    opening = asyncio.create_task(one.open(request(), "m", PUBLIC))
    await breath()
    assert not opening.done(), "it may still be loading"
    released.set()
    answering = await opening
    events = [event for frame in await answering.read() for event in frame.events]
    assert Text("Hi") in events
    answering.close()
    released.clear()
    await one.refresh()
    with pytest.raises(BackendTimedOut):
        await one.open(request(), "m", PUBLIC)
    impatient.close()
