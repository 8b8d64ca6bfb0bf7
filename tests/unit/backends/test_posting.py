"""The gateway's own messages to the outside: through the same door, with headers of their own, following no redirect."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.upstreams import Request, Upstream, head

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.posting import post
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendTimedOut, BackendUnreachable, BrokenContract


class Hook(Upstream):
    """Answers as it is told and keeps what it heard."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.answer = head("204 No Content", length=0)
        self.heard: list[Request] = []

    async def _answer(self, request: Request) -> bool:
        self.heard.append(request)
        if not self.answer:
            await request.peer_has_left()
            return False
        await request.reply(self.answer)
        return True


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    found = Hook()
    await found.start()
    yield found
    await found.stop()


async def sent(hook: Hook, path: str = "/hook?token=t", limits: Limits | None = None, **headers: str) -> int:
    place = Endpoint(
        name="alerts 1", boundary=Boundary.EXTERNAL, accepts=DataClass.PUBLIC, host="127.0.0.1", port=hook.port
    )
    transport = Transport(limits)
    try:
        return await post(transport, place, path, b'{"a":1}', tuple(headers.items()))
    finally:
        transport.close()


async def test_body_path_and_headers_arrive_as_they_are(hook: Hook) -> None:
    assert await sent(hook, **{"webhook-id": "alert_1", "webhook-signature": "v1,abc="}) == 204
    (heard,) = hook.heard
    lines = heard.head.decode().split("\r\n")
    assert lines[0] == "POST /hook?token=t HTTP/1.1"
    assert {"webhook-id: alert_1", "webhook-signature: v1,abc=", "Content-Type: application/json"} <= {*lines}
    assert heard.body == b'{"a":1}'


async def test_headers_of_one_message_are_not_those_of_the_next(hook: Hook) -> None:
    transport = Transport()
    place = Endpoint(
        name="alerts 1", boundary=Boundary.EXTERNAL, accepts=DataClass.PUBLIC, host="127.0.0.1", port=hook.port
    )
    for number in range(3):
        await post(transport, place, "/", b"{}", (("webhook-id", f"alert_{number}"),))
    transport.close()
    assert [f"webhook-id: alert_{number}".encode() in one.head for number, one in enumerate(hook.heard)] == [True] * 3
    assert all(one.head.count(b"webhook-id") == 1 for one in hook.heard)


@pytest.mark.parametrize("status", ["200 OK", "301 Moved Permanently", "307 Temporary Redirect", "410 Gone", "500 No"])
async def test_the_status_is_given_back_and_a_redirect_is_nothing_but_a_status(hook: Hook, status: str) -> None:
    hook.answer = head(status, "text/plain", f"Location: {hook.url}/elsewhere", length=2) + b"ok"
    assert await sent(hook) == int(status[:3])
    assert len(hook.heard) == 1


async def test_a_receiver_that_says_too_much_or_nothing_is_left(hook: Hook) -> None:
    hook.answer = head("200 OK", length=100_000) + b"x" * 100_000
    with pytest.raises(BrokenContract):
        await sent(hook)
    hook.answer = b""
    with pytest.raises(BackendTimedOut):
        await sent(hook, limits=Limits(first_byte_s=0.01))
    await hook.stop()
    with pytest.raises(BackendUnreachable):
        await sent(hook)
    await hook.start()
