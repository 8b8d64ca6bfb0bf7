"""The shared renderer (it takes most of a second to load) and simulators that are called without a socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.asgi import Reply, call

from tidegate.simulator.application import Simulator
from tidegate.simulator.clock import Clock
from tidegate.simulator.parts import Parts, Settings, parts_of
from tidegate.simulator.prompt import Renderer, renderer

TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
AUTHORIZED = {"authorization": "Bearer sk-test-0000"}


@pytest.fixture(scope="session")
def rendering() -> Renderer:
    return renderer()


class TurnedClock(Clock):
    """Stands still unless somebody sleeps or moves it."""

    def __init__(self) -> None:
        self._hand_s = 0.0
        super().__init__(TUESDAY, monotonic=lambda: self._hand_s, sleep=self._turn)

    async def _turn(self, seconds: float) -> None:
        self._hand_s += seconds


@dataclass(frozen=True, slots=True)
class Caller:
    """A simulator and how to call it."""

    simulator: Simulator

    @property
    def parts(self) -> Parts:
        return self.simulator.parts

    async def post(
        self, path: str = "/chat/completions", headers: dict[str, str] | None = None, **fields: Any
    ) -> Reply:
        messages = [{"role": "user", "content": "Return exactly: OK"}]
        body = {"model": "deepseek-flash", "messages": messages, "thinking": {"type": "disabled"}, **fields}
        sent = {name: value for name, value in body.items() if value is not ...}
        return await call(self.simulator, "POST", path, json.dumps(sent).encode(), AUTHORIZED | (headers or {}))

    async def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        return await call(self.simulator, method, path, body, headers)

    async def get(self, path: str) -> Any:
        return json.loads((await call(self.simulator, "GET", path, b"", AUTHORIZED)).body)


@pytest.fixture
def simulator() -> Callable[..., Caller]:
    """`simulator(brain=..., **settings)`."""

    def build(*, brain: Any = None, clock: Clock | None = None, **settings: Any) -> Caller:
        return Caller(Simulator(parts_of(Settings(**settings), brain=brain, clock=clock or TurnedClock())))

    return build


def message(reply: Reply) -> dict[str, Any]:
    """The message of a whole answer."""
    assert reply.status == 200, reply.body
    return json.loads(reply.body)["choices"][0]["message"]


def error(reply: Reply) -> str:
    return json.loads(reply.body)["error"]["message"]
