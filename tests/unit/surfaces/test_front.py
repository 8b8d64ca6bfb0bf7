"""The front of all surfaces: the newest configuration answers, and a gateway that is told to stop ends what is open."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.hands import Hands, breath

from tidegate.asgi import respond
from tidegate.core.errors import Draining
from tidegate.surfaces.front import LAST_WORDS_S, RETRY_AFTER_S, Drain, Front


class Handler:
    """Answers with its name, once it is let go."""

    def __init__(self, name: str = "one") -> None:
        self.name = name
        self.go = asyncio.Event()
        self.go.set()
        self.asked = 0

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.asked += 1
        await self.go.wait()
        await respond(send, 200, self.name.encode())


class Stubborn(Handler):
    """Takes a first cancellation for its last words, and never comes to their end."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            await asyncio.get_running_loop().create_future()


def front(handler: Any, hands: Any = asyncio.get_running_loop) -> Front:
    return Front(handler, Drain(hands))


async def begun(front: Front, path: str = "/chat/completions") -> asyncio.Task[Reply]:
    task = asyncio.create_task(call(front, "POST", path))
    await breath()
    return task


async def test_what_is_under_way_stays_with_the_surfaces_that_began_it() -> None:
    one, two = Handler("one"), Handler("two")
    both = front(one)
    one.go.clear()
    first = await begun(both)
    before = both.take(two)
    assert (await call(both, "GET", "/")).body == b"two"
    over = asyncio.create_task(before.over())
    await breath()
    assert (before.open, over.done()) == (1, False)
    one.go.set()
    assert (await first).body == b"one"
    await over


async def test_surfaces_without_an_open_request_are_over_at_once() -> None:
    both = front(Handler())
    await call(both, "GET", "/")
    await both.take(Handler("two")).over()
    assert both.drain.open == 0


async def test_nothing_new_is_begun_while_it_drains_and_what_is_open_ends() -> None:
    handler, hands = Handler(), Hands()
    stopping = front(handler, hands)
    handler.go.clear()
    first = await begun(stopping)
    draining = asyncio.create_task(stopping.drain.drained(30))
    await breath()
    refused = await call(stopping, "POST", "/chat/completions")
    assert (refused.status, refused.headers["retry-after"]) == (503, str(RETRY_AFTER_S))
    assert refused.headers["connection"] == "close"
    assert json.loads(refused.body)["error"]["type"] == "service_unavailable_error"
    ready = await call(stopping, "GET", "/-/ready")
    assert (ready.status, json.loads(ready.body), handler.asked) == (503, {"status": "draining"}, 1)
    hands.turn(29)
    assert not draining.done()
    handler.go.set()
    assert (await first).body == b"one"
    await draining
    assert (hands.due, stopping.drain.cut) == ([], 0)


@pytest.mark.parametrize("path", ["/-/health", "/-/status"])
async def test_how_it_is_can_still_be_asked_once_on_a_connection(path: str) -> None:
    stopping = front(Handler())
    await stopping.drain.drained(30)
    reply = await call(stopping, "GET", path)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert (await call(stopping, "POST", path)).status == 503


async def test_with_nothing_open_there_is_nothing_to_wait_for() -> None:
    await front(Handler()).drain.drained(30)


async def test_the_deadline_cuts_what_is_open_and_again_what_does_not_end() -> None:
    handler, hands = Stubborn(), Hands()
    stopping = front(handler, hands)
    handler.go.clear()
    tasks = [await begun(stopping) for _ in range(3)]
    draining = asyncio.create_task(stopping.drain.drained(30))
    await breath()
    await hands.turned(30)
    assert (stopping.drain.cut, stopping.drain.open, draining.done()) == (3, 3, False)
    await hands.turned(LAST_WORDS_S)
    await draining
    assert all([task.cancelled() for task in tasks])


async def test_a_second_signal_is_the_deadline_and_counts_once() -> None:
    handler, hands = Handler(), Hands()
    stopping = front(handler, hands)
    handler.go.clear()
    task = await begun(stopping)
    draining = asyncio.create_task(stopping.drain.drained(30))
    await breath()
    stopping.drain.cut_open()
    stopping.drain.cut_open()
    await breath()
    assert (stopping.drain.cut, task.cancelled()) == (1, True)
    await draining


async def test_only_who_was_cut_here_is_told_so() -> None:
    drain = Drain()
    assert drain.cut_error() is None
    drain.cut_open()

    async def asks() -> tuple[object, int]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        return drain.cut_error(), task.cancelling()

    error, cancelling = await asyncio.create_task(asks())
    assert isinstance(error, Draining)
    assert (error.retry_after_s, cancelling) == (RETRY_AFTER_S, 0)
