"""Many requests through a gateway before the simulator, whose account takes few at once: it learns, queues and answers all."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from tests.support.simulated import KEY, Simulated, simulated

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.resilience.pace import PaceView
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
        async with gateway(tmp_path, sim) as (app, url):
            await wave(url, stream)
            [lane] = app.lanes.view()
            print(lane, refused(sim))
            learned = refused(sim)
            assert 0 < learned <= CLIENTS - LIMIT, "the first burst could not know"
            await wave(url, stream)
            [lane] = app.lanes.view()
            print(lane, refused(sim))
            assert refused(sim) - learned <= 2
            assert (lane.used, lane.waiting) == (0, 0)
            assert lane.paces[0] == PaceView(MODEL, lane.paces[0].limit, "told", 0, False)
            assert LIMIT - 2 <= (lane.paces[0].limit or 0) <= LIMIT
