"""The embedded engine when a client leaves: it stops to generate, and its slot is idle, long before the answer would end."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tidegate.app import App
from tidegate.backends.engine import EngineAddress
from tidegate.config import parse_config
from tidegate.surfaces.serving import http_server

pytest.importorskip("xllamacpp")

PATIENCE_S = 120.0
MOST_TOKENS = 300
_GENERATED = "llamacpp:tokens_predicted_total "
CONFIG: dict[str, Any] = {
    "probe": {"enabled": False},
    "profiles": {"measure": False},
    "embedded": {"slots": 1, "context_tokens": 2048},
}


class Served:
    def __init__(self, app: App, port: int, engine: EngineAddress) -> None:
        self.app = app
        self.port = port
        self._engine = engine

    def _tell(self, path: str) -> str:
        """What the engine itself says."""
        connection = http.client.HTTPConnection(self._engine.host, self._engine.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._engine.key}"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _is_working(self) -> bool:
        (slot,) = json.loads(self._tell("/slots"))
        return slot["is_processing"]

    async def generated(self) -> int:
        """Tokens since the engine's start, of answers that are over."""
        told = await asyncio.to_thread(self._tell, "/metrics")
        return int(float(next(line for line in told.splitlines() if line.startswith(_GENERATED)).split()[1]))

    async def until(self, *, working: bool) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(self._is_working) is not working:
                pass

    async def answer(self, most_tokens: int) -> bytes:
        """One that is waited for."""
        client = await asyncio.to_thread(self.ask, "/chat/completions", stream=False, most_tokens=most_tokens)
        found = await asyncio.to_thread(client.recv, 65536)
        await self.until(working=False)
        client.close()
        return found

    def ask(self, path: str, *, stream: bool, most_tokens: int = MOST_TOKENS) -> socket.socket:
        question = {"role": "user", "content": "Count from one to a million, in words."}
        fields = {"model": "embedded", "stream": stream, "max_tokens": most_tokens, "messages": [question]}
        body = json.dumps(fields).encode()
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        client.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "\r\n"]).encode() + body)
        return client


@pytest.fixture
async def served(tmp_path: Path, model_path: Path) -> AsyncIterator[Served]:
    app = App(parse_config(CONFIG), {}, tmp_path, model_path)
    async with app:
        assert app.engine is not None
        address = await app.engine.address(PATIENCE_S)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = http_server(app.asgi, drain_s=0)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            yield Served(app, listener.getsockname()[1], address)
            server.should_exit = True
            await serving


async def test_the_engine_stops_to_generate(served: Served) -> None:
    assert b"200 OK" in await served.answer(MOST_TOKENS)
    assert b"200 OK" in await served.answer(1)  # the engine counts an answer a little after its end
    to_its_end = await served.generated()
    ways = list(product(("/chat/completions", "/anthropic/v1/messages"), (True, False), (True, False)))
    for path, stream, resets in ways:
        client = await asyncio.to_thread(served.ask, path, stream=stream)
        await served.until(working=True)
        if resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        await served.until(working=False)
    assert b"200 OK" in await served.answer(1), "the slot takes the next one"
    made = await served.generated() - to_its_end
    assert made < len(ways) * to_its_end / 2, "not even the half of what they would have got"
