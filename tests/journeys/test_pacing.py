"""Many requests through a gateway before the simulator, whose account takes few at once: it learns, queues and answers all."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, AsyncOpenAI
from tests.support.simulated import KEY, Simulated, simulated

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.surfaces.serving import http_server

LIMIT = 25
"""Of the simulator's account with a balance near nothing (jobfetcher#42, 2026-09)."""
CLIENTS = 100
MODEL = "deepseek-flash"


@asynccontextmanager
async def gateway(folder: Path, sim: Simulated, **backend: Any) -> AsyncIterator[tuple[App, str]]:
    written: dict[str, Any] = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "timeouts": {"keep_alive_s": 0.05},
        "retry": {"backoff_s": 0.05},
        "backends": {"cloud": {"kind": "deepseek", "base_url": sim.url, "key_env": "KEY", "queue": CLIENTS, **backend}},
    }
    app = App(parse_config(written), {"KEY": KEY}, folder, None)
    async with app:
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            assert app.asgi is not None
            server = http_server(app.asgi, drain_s=0)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            yield app, f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.should_exit = True
            await task


async def wave(url: str, stream: bool) -> None:
    """As many clients at once as there are; each must get its answer, with no second try of its own."""

    async def one(client: AsyncOpenAI, number: int) -> str:
        asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": f"Say {number}"}], "max_tokens": 20}
        if not stream:
            return (await client.chat.completions.create(**asked)).choices[0].finish_reason
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
        return chunks[-1].choices[0].finish_reason

    async with AsyncOpenAI(base_url=url, api_key="unused", max_retries=0, timeout=60) as client:
        ends = await asyncio.gather(*(one(client, number) for number in range(CLIENTS)))
    assert set(ends) <= {"stop", "length"}


def refused(sim: Simulated) -> int:
    return Counter(request["status"] for request in sim.requests())[429]


@pytest.mark.parametrize("stream", [True, False])
async def test_after_learning_hardly_any_refusal_is_caused_and_every_client_is_answered(
    tmp_path: Path, stream: bool
) -> None:
    with simulated(balance=Decimal("0.50")) as sim:
        sim.arm("slow=0.05", 100_000)  # answers must overlap
        async with gateway(tmp_path, sim) as (app, url):
            await wave(url, stream)
            assert 0 < refused(sim) <= CLIENTS - LIMIT, "the first burst cannot know"
            sim.clear_requests()
            await wave(url, stream)
            assert refused(sim) <= 2
            [lane] = app.lanes.view()
            assert (lane.used, lane.waiting) == (0, 0)
            [pace] = lane.paces
            assert (pace.learned_from, pace.in_flight) == ("told", 0)
            assert LIMIT - 3 <= (pace.limit or 0) <= LIMIT


async def test_without_pacing_each_burst_is_refused_again(tmp_path: Path) -> None:
    """What the journey above would look like if nothing were learned."""
    with simulated(balance=Decimal("0.50")) as sim:
        sim.arm("slow=0.05", 100_000)
        async with gateway(tmp_path, sim, pacing=False) as (_, url):
            for _ in range(2):
                sim.clear_requests()
                with suppress(APIError):
                    await wave(url, stream=False)
                assert refused(sim) > 10
