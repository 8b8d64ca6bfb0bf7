"""A backend over HTTP: what opening, reading and looking do, and how careless servers are kept from doing harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.samples import request
from tests.support.upstreams import STREAM, Request, Upstream, answer, head, in_chunk, whole_reply

from tidegate.backends.base import Answering, Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend, fetch, list_models
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import (
    BackendFailed,
    BackendFailure,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    BoundaryBreach,
    BrokenContract,
    ClientMistake,
    GatewayError,
    RateLimited,
)
from tidegate.core.events import End, Event, Text
from tidegate.core.requests import FimRequest
from tidegate.dialects.deepseek import DEEPSEEK
from tidegate.dialects.generic import GENERIC

Serve = Callable[..., Awaitable[Upstream]]
PUBLIC = DataClass.PUBLIC


def endpoint(upstream: Upstream, boundary: Boundary = Boundary.DEVICE) -> Endpoint:
    return Endpoint(name="b", boundary=boundary, accepts=DataClass.PRIVATE, host="127.0.0.1", port=upstream.port)


def backend(
    transport: Transport,
    upstream: Upstream,
    models: tuple[str, ...] = ("m",),
    *,
    dialect: Any = GENERIC,
    watched: bool = True,
) -> HttpBackend:
    return HttpBackend(transport, endpoint(upstream), dialect, models, watcher=transport if watched else None)


async def told(answering: Answering) -> list[Event]:
    events: list[Event] = []
    while frames := await answering.read():
        events += [event for frame in frames for event in frame.events]
    answering.close()
    return events


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def sized(status: str, body: bytes, *more: str, kind: str = "application/json") -> bytes:
    return head(status, kind, *more, length=len(body)) + body


async def rightly(request: Request) -> bool:
    await request.reply(whole_reply(request.body))
    return True


@pytest.mark.parametrize("dialect", [GENERIC, DEEPSEEK])
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_is_read_to_its_end(serve: Serve, transport: Transport, dialect: Any, stream: bool) -> None:
    one = backend(transport, await serve(rightly), dialect=dialect)
    events = await told(await one.open(request(stream=stream), "m", PUBLIC))
    assert (text_of(events), events[-1]) == ("Hello there.", End())


async def test_the_model_of_the_candidate_is_sent_and_quirks_are_reported(serve: Serve, transport: Transport) -> None:
    bodies: list[Any] = []

    async def note(asked: Request) -> bool:
        bodies.append(json.loads(asked.body))
        return await rightly(asked)

    answering = await backend(transport, await serve(note)).open(request(model="auto", x=1), "m7", PUBLIC)
    answering.close()
    assert bodies[0]["model"] == "m7"
    assert "REQ001" in answering.quirks


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_a_server_that_ignores_stream_is_understood(serve: Serve, transport: Transport, kind: str) -> None:
    one = backend(transport, await serve(sized("200 OK", answer(), kind=kind)), dialect=DEEPSEEK)
    answering = await one.open(request(stream=True), "m", PUBLIC)
    frames = await answering.read()
    assert [frame.wire for frame in frames] == [None], "a whole answer must not reach a client that streams"
    assert text_of([event for frame in frames for event in frame.events]) == "Hello there."
    assert await answering.read() == []
    answering.close()


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_compressed_answer_is_refused(serve: Serve, transport: Transport, coding: str) -> None:
    upstream = await serve(sized("200 OK", b"\x1f\x8b", f"Content-Encoding: {coding}"))
    with pytest.raises(BrokenContract, match="compressed"):
        await backend(transport, upstream).open(request(), "m", PUBLIC)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("400 Bad Request", ClientMistake),
        ("401 Unauthorized", BackendRefused),
        ("307 Temporary Redirect", BackendRefused),
        ("429 Too Many", RateLimited),
        ("500 Oops", BackendFailed),
        ("201 Created", BackendRefused),
    ],
)
async def test_any_status_but_200_is_the_dialects_error(
    serve: Serve, transport: Transport, status: str, error: type[GatewayError]
) -> None:
    quoting = b'{"error":{"message":"you said: secret"}}'
    with pytest.raises(error) as raised:
        await backend(transport, await serve(sized(status, quoting))).open(request(), "m", PUBLIC)
    assert "secret" not in raised.value.message


async def test_when_to_come_back_is_read_where_a_server_says_it(serve: Serve, transport: Transport) -> None:
    upstream = await serve(sized("429 Too Many", b"{}", "Retry-After: 7"))
    with pytest.raises(RateLimited) as raised:
        await backend(transport, upstream).open(request(), "m", PUBLIC)
    assert raised.value.retry_after_s == 7


async def test_after_an_error_the_connection_is_used_again(serve: Serve, transport: Transport) -> None:
    one = backend(transport, await serve(sized("500 Oops", b"{}"), sized("200 OK", answer()), b""))
    with pytest.raises(BackendFailed):
        await one.open(request(), "m", PUBLIC)
    assert text_of(await told(await one.open(request(), "m", PUBLIC))) == "Hello there."


async def test_an_error_without_end_is_not_read_for_ever(serve: Serve, transport: Transport) -> None:
    async def endless(asked: Request) -> bool:
        await asked.reply(head("500 Oops"))
        for _ in range(10_000):
            await asked.reply(in_chunk(b"x" * 10_000))
        return False

    with pytest.raises(BrokenContract, match="larger than 65536 bytes"):
        await backend(transport, await serve(endless)).open(request(), "m", PUBLIC)


async def test_a_stream_cut_half_way_is_no_end(serve: Serve, transport: Transport) -> None:
    one = backend(transport, await serve(head("200 OK", "text/event-stream") + b"".join(map(in_chunk, STREAM[:2]))))
    answering = await one.open(request(stream=True), "m", PUBLIC)
    with pytest.raises(BrokenContract):
        await told(answering)
    answering.close()


async def test_closing_early_stops_the_server(serve: Serve, transport: Transport) -> None:
    left = asyncio.Event()

    async def waits(asked: Request) -> bool:
        await asked.reply(head("200 OK", "text/event-stream"), in_chunk(STREAM[0]), in_chunk(STREAM[1]))
        await asked.peer_has_left()
        left.set()
        return False

    answering = await backend(transport, await serve(waits)).open(request(stream=True), "m", PUBLIC)
    assert await answering.read()
    answering.close()
    await left.wait()


async def test_a_private_request_is_stopped_in_front_of_an_external_backend(serve: Serve, transport: Transport) -> None:
    place = endpoint(await serve(rightly), Boundary.EXTERNAL)
    one = HttpBackend(transport, place, GENERIC, ("m",), watcher=None)
    with pytest.raises(BoundaryBreach):
        await one.open(request(), "m", DataClass.PRIVATE)
    assert one.view.health == "unknown"


async def test_health_follows_what_requests_meet(serve: Serve, transport: Transport) -> None:
    upstream = await serve(rightly)
    one = backend(transport, upstream)
    assert one.view.health == "unknown"
    (await one.open(request(), "m", PUBLIC)).close()
    assert one.view.health == "up"
    await upstream.stop()
    transport.close()
    with pytest.raises(BackendUnreachable):
        await one.open(request(), "m", PUBLIC)
    assert one.view.health == "down"
    await upstream.start()


async def test_the_view_is_the_same_object_while_nothing_changes(serve: Serve, transport: Transport) -> None:
    one = backend(transport, upstream := await serve(rightly))
    await one.refresh()
    up = one.view
    await one.refresh()
    (await one.open(request(), "m", PUBLIC)).close()
    assert one.view is up
    await upstream.stop()
    transport.close()
    await one.refresh()
    down = one.view
    assert (up.health, down.health) == ("up", "down")
    await one.refresh()
    assert one.view is down
    await upstream.start()


async def test_models_that_were_not_given_are_asked_for(serve: Serve, transport: Transport) -> None:
    listed, given = [backend(transport, await serve(rightly), models) for models in ((), ("mine",))]
    assert (listed.view.models, listed.view.serves_any) == ((), True)
    await listed.refresh()
    await given.refresh()
    assert (listed.view.models, listed.view.serves_any, listed.view.health) == (("m",), False, "up")
    assert (given.view.models, given.view.serves_any, given.view.health) == (("mine",), False, "up")


@pytest.mark.parametrize(
    ("raw", "health"),
    [
        (sized("404 Not Found", b"{}"), "up"),
        (sized("401 Unauthorized", b"{}"), "up"),
        (sized("500 Oops", b"{}"), "up"),
        (sized("200 OK", b"<html>"), "down"),
        (sized("200 OK", b"{}"), "down"),
        (b"SSH-2.0-x\r\n", "down"),
        (b"", "down"),
    ],
)
async def test_looking_never_raises_and_tells_up_from_down(
    serve: Serve, transport: Transport, raw: bytes, health: str
) -> None:
    one = backend(transport, await serve(raw), ())
    await one.refresh()
    assert (one.view.health, one.view.models) == (health, ())


async def test_an_unwatched_backend_is_never_knocked_on(serve: Serve, transport: Transport) -> None:
    knocked: list[bytes] = []

    async def note(asked: Request) -> bool:
        knocked.append(asked.head)
        return await rightly(asked)

    one = backend(transport, await serve(note), watched=False)
    await one.refresh()
    assert (knocked, one.view.health) == ([], "unknown")


@pytest.mark.parametrize(
    ("body", "models"),
    [
        (b'{"data":[{"id":"a"},{"id":"b"}]}', ("a", "b")),
        (b'{"data":[]}', ()),
        (b'{"data":[{"id":"a"},{"id":7},{},null,"b",{"id":"c"}]}', ("a", "c")),
    ],
)
async def test_model_lists_are_read_leniently(
    serve: Serve, transport: Transport, body: bytes, models: tuple[str, ...]
) -> None:
    assert await list_models(transport, endpoint(await serve(sized("200 OK", body))), GENERIC) == models


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"data":{}}', b'{"models":[]}', b"{" * 1000])
async def test_what_is_no_model_list_is_a_broken_contract(serve: Serve, transport: Transport, body: bytes) -> None:
    with pytest.raises(BrokenContract):
        await list_models(transport, endpoint(await serve(sized("200 OK", body))), GENERIC)


async def test_a_model_list_without_end_is_refused(serve: Serve, transport: Transport) -> None:
    with pytest.raises(BrokenContract, match="larger than"):
        await fetch(transport, endpoint(await serve(sized("200 OK", b" " * 5_000_000))), "/v1/models")


def gone_away(watcher: Transport | None = None) -> HttpBackend:
    place = Endpoint(name="b", boundary=Boundary.EXTERNAL, accepts=PUBLIC, host="127.0.0.1", port=1)
    return HttpBackend(Transport(), place, DEEPSEEK, ("m",), watcher=watcher)


async def healths(one: HttpBackend, times: int) -> list[str]:
    found: list[str] = []
    for _ in range(times):
        with pytest.raises(BackendUnreachable):
            await one.open(request(), "m", PUBLIC)
        found.append(one.view.health)
    return found


async def test_one_failure_does_not_take_a_backend_out_that_nobody_knocks_on_and_a_few_do_for_a_while() -> None:
    unwatched = gone_away()
    assert await healths(unwatched, 3) == ["unknown", "unknown", "down"]
    await unwatched.refresh()
    assert unwatched.view.health == "unknown"
    assert await healths(unwatched, 2) == ["unknown", "unknown"]


async def test_one_that_is_knocked_on_and_refuses_a_connection_is_away_at_once() -> None:
    assert await healths(gone_away(Transport()), 1) == ["down"]


async def test_a_time_out_of_one_request_says_nothing_of_a_server_that_is_knocked_on(serve: Serve) -> None:
    async def hangs(asked: Request) -> bool:
        await asked.peer_has_left()
        return False

    one = backend(Transport(Limits(first_byte_s=0.01)), await serve(hangs))
    found: list[str] = []
    for _ in range(3):
        with pytest.raises(BackendTimedOut):
            await one.open(request(), "m", PUBLIC)
        found.append(one.view.health)
    assert found == ["unknown", "unknown", "down"]


@pytest.mark.parametrize(
    ("status", "health"),
    [("429 Too Many", "unknown"), ("503 Busy", "unknown"), ("404 Not Found", "unknown")],
)
async def test_a_server_that_answers_with_a_failure_is_there(
    serve: Serve, transport: Transport, status: str, health: str
) -> None:
    replies = [b"", b"", sized(status, b"{}"), b"", b""]

    async def reply(asked: Request) -> bool:
        said = replies.pop(0)
        await asked.reply(said)
        return bool(said)

    one = backend(transport, await serve(reply), watched=False)
    for error in (BackendUnreachable, BackendUnreachable, BackendFailure, BackendUnreachable, BackendUnreachable):
        with pytest.raises(error):
            await one.open(request(), "m", PUBLIC)
        transport.close()
    assert (one.view.health, replies) == (health, [])


@pytest.mark.parametrize(("told", "wait_s"), [("7", 7.0), ("soon", None), (None, None)])
async def test_an_error_carries_when_the_server_may_be_asked_again(
    serve: Serve, transport: Transport, told: str | None, wait_s: float | None
) -> None:
    more = [] if told is None else [f"Retry-After: {told}"]
    with pytest.raises(RateLimited) as caught:
        await backend(transport, await serve(sized("429 Too Many", b"{}", *more))).open(request(), "m", PUBLIC)
    assert caught.value.retry_after_s == wait_s


async def test_what_holds_no_content_is_fetched_and_a_refusal_is_the_dialects_error(
    serve: Serve, transport: Transport
) -> None:
    paths: list[str] = []

    async def reply(asked: Request) -> bool:
        paths.append(asked.head.decode().split(" ")[1])
        await asked.reply(sized("200 OK", b'{"is_available":true}'))
        return True

    one = backend(transport, await serve(reply), dialect=DEEPSEEK)
    assert await one.fetch("/user/balance") == b'{"is_available":true}'
    assert paths == ["/user/balance"]
    refused = backend(transport, await serve(sized("429 Too Many", b"{}")), dialect=DEEPSEEK)
    with pytest.raises(RateLimited):
        await refused.fetch("/user/balance")


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (FimRequest(model="m", prompt="x"), "/beta/completions"),
        (replace(request(max_tokens=5), codec="anthropic_messages"), "/anthropic/v1/messages"),
        (request(), "/chat/completions"),
    ],
)
async def test_each_kind_of_request_goes_to_its_own_path(
    serve: Serve, transport: Transport, asked: Any, path: str
) -> None:
    paths: list[str] = []

    async def note(heard: Request) -> bool:
        paths.append(heard.head.decode().split(" ")[1])
        return await rightly(heard)

    (await backend(transport, await serve(note), dialect=DEEPSEEK).open(asked, "m", PUBLIC)).close()
    assert paths == [path]
