"""A running simulator of the hosted API on a free port, in a thread of this process, with a handle to arm and look.

with simulated(profile="2026-09-v41") as sim:
    sim.arm("503", times=2)
    ...  # base_url=sim.url, any key that begins with sk-
    assert sim.requests()[-1]["status"] == 503
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from tidegate.cli.sim import expect_broken_answers
from tidegate.simulator.application import Simulator
from tidegate.simulator.brain import Brain
from tidegate.simulator.parts import Settings, parts_of
from tidegate.simulator.prompt import renderer
from tidegate.surfaces.serving import http_server

KEY = "sk-simulated-0000"


class Simulated:
    """The handle. `parts` is the simulator's inside, for what the admin paths do not offer."""

    def __init__(self, port: int, simulator: Simulator) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.parts = simulator.parts

    def arm(self, fault: str, times: int = 1) -> None:
        self._expect("POST", "/-/faults", {"fault": fault, "times": times})

    def disarm(self) -> None:
        self._expect("DELETE", "/-/faults")

    def state(self) -> dict[str, Any]:
        return self._expect("GET", "/-/state")

    def requests(self) -> list[dict[str, Any]]:
        return self._expect("GET", "/-/requests")["requests"]

    def advance(self, seconds: float) -> None:
        self._expect("POST", "/-/clock", {"advance_s": seconds})

    def set_clock(self, at: str) -> None:
        self._expect("POST", "/-/clock", {"at": at})

    def set_account(self, balance: str, *, key: str = KEY, granted: str = "0") -> None:
        self._expect("POST", "/-/accounts", {"key": key, "balance": balance, "granted": granted})

    def clear_requests(self) -> None:
        """Of its log, which is bounded."""
        self._expect("DELETE", "/-/requests")

    def clear(self) -> None:
        """As just started, but for clock and accounts."""
        for path in ("/-/faults", "/-/requests", "/-/cache"):
            self._expect("DELETE", path)

    def post(
        self, body: Any, path: str = "/chat/completions", *, key: str | None = KEY, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request over a connection of its own: status, headers, body bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        return self.request("POST", path, raw, sent)

    def get(self, path: str, key: str | None = KEY) -> tuple[int, dict[str, str], bytes]:
        return self.request("GET", path, None, {"authorization": f"Bearer {key}"} if key else {})

    def request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()

    def _expect(self, method: str, path: str, order: Any = None) -> Any:
        body = None if order is None else json.dumps(order).encode()
        status, _, answer = self.request(method, path, body, {"content-type": "application/json"})
        assert status == 200, answer
        return json.loads(answer)


@contextmanager
def simulated(settings: Settings | None = None, *, brain: Brain | None = None, **options: Any) -> Generator[Simulated]:
    """Serving when the block begins, stopped when it ends. `options` are fields of `Settings`."""
    renderer()  # the first request of a test must not wait for the tokenizer
    simulator = Simulator(parts_of(settings or Settings(**options), brain=brain))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = http_server(simulator, drain_s=0)
    expect_broken_answers()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield Simulated(listener.getsockname()[1], simulator)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
