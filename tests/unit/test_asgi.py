"""What surfaces share of ASGI: bodies within bounds, JSON only, answers with their length, clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tidegate import asgi
from tidegate.asgi import ClientWatch, header, read_body, require_json, respond
from tidegate.core.errors import BodyTooLarge, ClientLeft, UnsupportedMedia

LEFT = {"type": "http.disconnect"}


def saying(*messages: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    """A client that sends these messages, then nothing more."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        return await asyncio.get_running_loop().create_future()

    return receive


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    "messages",
    [
        [piece(b"abc", more=False)],
        [piece(b"a"), piece(b""), piece(b"bc"), piece(b"", more=False)],
        [{"type": "http.request", "body": b"abc"}],
        [piece(b"abc"), {"type": "http.request"}],
    ],
)
async def test_a_body_is_joined_from_its_pieces(messages: list[dict[str, Any]]) -> None:
    assert await read_body({}, saying(*messages), 3) == b"abc"


async def test_a_body_may_be_empty() -> None:
    assert await read_body({}, saying(piece(b"", more=False)), 3) == b""


@pytest.mark.parametrize(
    "messages", [[piece(b"abcd", more=False)], [piece(b"ab"), piece(b"cd"), piece(b"", more=False)]]
)
async def test_one_byte_too_many_is_refused_and_names_the_option(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(BodyTooLarge, match=r"larger than 3 bytes; shorten it or raise `\[server\] body_limit_bytes`"):
        await read_body({}, saying(*messages), 3)


async def test_a_too_large_body_is_read_to_its_end_so_that_the_client_hears_why() -> None:
    receive = saying(*[piece(b"x" * 100)] * 9, piece(b"", more=False), LEFT)
    with pytest.raises(BodyTooLarge):
        await read_body({}, receive, 3)
    assert await receive() == LEFT


async def test_nobody_is_drained_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_DRAINED_BYTES", 1000)
    taken = 0

    async def endless() -> dict[str, Any]:
        nonlocal taken
        taken += 100
        return piece(b"x" * 100)

    with pytest.raises(BodyTooLarge):
        await read_body({}, endless, 3)
    assert taken == 1100


async def test_a_client_that_leaves_while_sending_has_left() -> None:
    with pytest.raises(ClientLeft):
        await read_body({}, saying(piece(b"a"), LEFT), 3)


def with_type(*kinds: str) -> dict[str, Any]:
    return {"headers": [(b"content-type", kind.encode()) for kind in kinds]}


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;x=y",
        " application/json ",
    ],
)
def test_json_is_taken_in_any_case_and_with_parameters(kind: str) -> None:
    require_json(with_type(kind))


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data", "json",
     "application/jsonp", "application/json, text/plain"],
)  # fmt: skip
def test_nothing_else_is_taken_least_of_all_what_web_pages_send_unasked(kind: str) -> None:
    with pytest.raises(UnsupportedMedia, match="Content-Type: application/json"):
        require_json(with_type(kind))


def test_a_missing_type_is_not_json() -> None:
    with pytest.raises(UnsupportedMedia):
        require_json({"headers": []})


def test_a_header_is_found_by_its_name() -> None:
    scope = {"headers": [(b"x-a", b"1"), (b"x-b", "ü".encode("latin-1")), (b"x-a", b"2")]}
    assert (header(scope, b"x-a"), header(scope, b"x-b"), header(scope, b"x-c")) == ("1", "ü", None)


async def test_an_answer_carries_type_length_and_more() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await respond(send, 418, b"{}", [(b"x-a", b"1")])
    assert sent == [
        {
            "type": "http.response.start",
            "status": 418,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"x-a", b"1")],
        },
        {"type": "http.response.body", "body": b"{}"},
    ]


async def watched(receive: Callable[[], Awaitable[dict[str, Any]]], work: Awaitable[Any]) -> str:
    try:
        with ClientWatch(receive):
            await work
    except ClientLeft:
        return "client left"
    return "done"


def for_ever() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@pytest.fixture(autouse=True)
def watching_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_UNWATCHED_S", 0.0)


@pytest.mark.parametrize("messages", [[LEFT], [piece(b"stray", more=False), LEFT]])
async def test_work_stops_when_the_client_leaves(messages: list[dict[str, Any]]) -> None:
    task = asyncio.create_task(watched(saying(*messages), for_ever()))
    assert await task == "client left"
    assert task.cancelling() == 0, "the cancellation was ours and is over"


async def test_work_that_ends_is_not_disturbed() -> None:
    assert await watched(saying(), asyncio.sleep(0)) == "done"


async def test_what_only_longer_work_needs_begins_with_the_watch() -> None:
    began: list[str] = []
    for turns, told in ((0, []), (3, ["longer"])):
        with ClientWatch(saying(), lambda: began.append("longer")):
            for _ in range(turns):
                await asyncio.sleep(0)
        assert began == told


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await for_ever()

    task = asyncio.create_task(watched(saying(), work()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_comes_through() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await watched(saying(), fail())


async def test_the_watch_is_over_with_the_work() -> None:
    asked = asyncio.Event()
    stopped = asyncio.Event()

    async def receive() -> dict[str, Any]:
        asked.set()
        try:
            return await for_ever()
        finally:
            stopped.set()

    assert await watched(receive, asked.wait()) == "done"
    await stopped.wait()


async def test_a_short_answer_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_UNWATCHED_S", 60.0)
    assert await watched(saying(LEFT), asyncio.sleep(0)) == "done"
