"""Loopback servers for the tests of the backends, stopped when the test is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.support.upstreams import Request, Upstream

from tidegate.backends.connection import Limits
from tidegate.backends.transport import Transport

LIMITS = Limits(connect_s=10, first_byte_s=10, idle_s=10)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Upstream]]]:
    """Starts a server: `await serve(on_request)`, or `await serve(b"...", b"...")` for raw answers, one per request.

    After its last raw answer the server closes the connection.
    """
    started: list[Upstream] = []

    async def start(*plan: Any) -> Upstream:
        upstream = Upstream(plan[0] if callable(plan[0]) else _raw(list(plan)))
        await upstream.start()
        started.append(upstream)
        return upstream

    yield start
    for upstream in started:
        await upstream.stop()


def _raw(answers: list[bytes]) -> Callable[[Request], Awaitable[bool]]:
    async def reply(request: Request) -> bool:
        await request.reply(answers.pop(0))
        return bool(answers)

    return reply


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    found = Transport(LIMITS)
    yield found
    found.close()
