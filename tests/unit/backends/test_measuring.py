"""Measuring: what is asked of whom and when, what a server's failures do to it, and when it is done again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.upstreams import STREAM, Request, Upstream, chunk, head, in_chunk

from tidegate.backends.base import Endpoint
from tidegate.backends.http import HttpBackend
from tidegate.backends.measuring import Leave, Measuring
from tidegate.backends.profile_store import ProfileStore
from tidegate.backends.transport import Transport
from tidegate.backends.trials import TRIALS
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import GatewayError, RateLimited
from tidegate.core.profile import Fact, Feature, Way
from tidegate.dialects.generic import GENERIC
from tidegate.dialects.metadata import Question, version

Serve = Callable[..., Awaitable[Upstream]]
REASONING = (chunk({"role": "assistant", "content": "", "reasoning_content": "So"}), *STREAM[1:])


class Runtime:
    """A server that tells its version and streams what it is told to, one answer for each chat."""

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.stream = STREAM
        self.status = "200 OK"
        self.chats: list[dict[str, Any]] = []
        self.looks = 0

    async def __call__(self, request: Request) -> bool:
        if request.head.startswith(b"GET /version"):
            self.looks += 1
            body = json.dumps({"version": self.version}).encode()
            await request.reply(head("200 OK", length=len(body)), body)
        elif request.head.startswith(b"GET"):
            body = b'{"data":[{"id":"m"}]}'
            await request.reply(head("200 OK", length=len(body)), body)
        else:
            self.chats.append(json.loads(request.body))
            if self.status != "200 OK":
                await request.reply(head(self.status, length=2), b"{}")
            else:
                await request.reply(head("200 OK", "text/event-stream"), *map(in_chunk, (*self.stream, b"")))
        return True


def told(feature: Feature, way: Way | None) -> Fact:
    return Fact(feature, way, "declared", "GEN001")


def dialect(*facts: Fact) -> Any:
    return replace(GENERIC, declares=facts, questions=(Question("/version", version("version")),))


class Box:
    """A backend at a runtime, and what measures it."""

    def __init__(
        self, transport: Transport, upstream: Upstream, *facts: Fact, boundary: Boundary = Boundary.DEVICE
    ) -> None:
        place = Endpoint(name="box", boundary=boundary, accepts=DataClass.PUBLIC, host="127.0.0.1", port=upstream.port)
        self.backend = HttpBackend(transport, place, dialect(*facts), (), watcher=transport)
        self.went: list[type[GatewayError] | None] = []
        self.measuring = Measuring(ProfileStore(), lambda: "2026-11-24", in_turn=self._in_turn)

    async def _in_turn(self, backend: HttpBackend, model: str) -> Leave:
        assert (backend, model) == (self.backend, "m")
        return lambda error: self.went.append(None if error is None else type(error))

    async def look(self) -> None:
        await self.backend.refresh()
        await self.measuring.learn(self.backend)

    def fact(self, feature: Feature) -> Fact:
        return self.backend.view.profile("m").fact(feature)


async def test_what_is_declared_or_unknown_is_tried_and_what_is_refused_is_not(serve: Serve, transport: Transport):
    runtime = Runtime()
    box = Box(transport, await serve(runtime), told("thinking_off", None), told("prefix", "refused"))
    await box.look()
    assert box.fact("thinking_off") == Fact("thinking_off", "native", "measured", "GEN001", "1", "2026-11-24")
    assert box.fact("prefix") == told("prefix", "refused")
    assert box.backend.view.profile("m").traits.version == "1"
    assert all(not chat["messages"][-1].get("prefix") for chat in runtime.chats)


async def test_the_lane_learns_how_each_trial_went(serve: Serve, transport: Transport):
    runtime = Runtime()
    box = Box(transport, await serve(runtime), told("thinking_off", None))
    await box.look()
    assert None in box.went
    runtime.version, runtime.status = "2", "429 Too Many"
    await box.look()
    assert (box.went[-1], box.went.count(RateLimited)) == (RateLimited, 1)


async def test_a_feature_that_does_not_work_is_refused_from_then_on(serve: Serve, transport: Transport):
    runtime = Runtime()
    runtime.stream = REASONING
    box = Box(transport, await serve(runtime), told("thinking_off", "native"))
    await box.look()
    assert box.fact("thinking_off") == Fact("thinking_off", "refused", "measured", "PRF002", "1", "2026-11-24")


async def test_the_same_server_is_not_measured_twice_and_a_new_version_is(serve: Serve, transport: Transport):
    runtime = Runtime()
    box = Box(transport, await serve(runtime), told("thinking_off", "native"))
    await box.look()
    tried = len(runtime.chats)
    await box.look()
    assert len(runtime.chats) == tried
    runtime.version, runtime.stream = "2", REASONING
    await box.look()
    assert len(runtime.chats) > tried
    assert (box.fact("thinking_off").way, box.fact("thinking_off").version) == ("refused", "2")


async def test_a_server_that_was_down_may_be_another_one(serve: Serve, transport: Transport):
    runtime = Runtime()
    upstream = await serve(runtime)
    box = Box(transport, upstream, told("thinking_off", "native"))
    await box.look()
    tried = len(runtime.chats)
    await upstream.stop()
    await box.look()
    assert box.backend.view.health == "down"
    assert box.fact("thinking_off").basis == "measured", "what was known stays"
    assert len(runtime.chats) == tried


@pytest.mark.parametrize(("status", "tries"), [("503 Busy", 2), ("429 Slow", 2), ("500 Broken", 1)])
async def test_a_failure_of_the_server_says_nothing_of_the_feature(serve: Serve, transport: Transport, status, tries):
    """An overloaded server is asked again at the next look; one that fails for reasons of its own keeps its word."""
    runtime = Runtime()
    runtime.status = status
    box = Box(transport, await serve(runtime), told("thinking_off", "native"))
    await box.look()
    assert box.fact("thinking_off") == told("thinking_off", "native")
    before = len(runtime.chats)
    await box.look()
    assert len(runtime.chats) == before * tries


async def test_an_external_backend_is_never_probed(serve: Serve, transport: Transport):
    runtime = Runtime()
    box = Box(transport, await serve(runtime), told("thinking_off", "native"), boundary=Boundary.EXTERNAL)
    await box.look()
    assert (runtime.chats, runtime.looks) == ([], 0)


async def test_what_is_kept_spares_the_trials(serve: Serve, transport: Transport, tmp_path: Path):
    runtime = Runtime()
    upstream = await serve(runtime)
    boxes: list[Box] = []
    for _ in range(2):
        box = Box(transport, upstream, told("thinking_off", "native"))
        box.measuring = Measuring(ProfileStore(tmp_path / "profiles.json"), lambda: "2026-11-24")
        await box.look()
        boxes.append(box)
        tried = len(runtime.chats)
    first, second = boxes
    assert len(runtime.chats) == tried == len(TRIALS) - 2, "once; prefix and FIM are refused by this dialect"
    assert second.fact("thinking_off") == first.fact("thinking_off")


async def test_a_question_without_an_answer_leaves_the_traits_unknown(serve: Serve, transport: Transport):
    async def silent(request: Request) -> bool:
        body = b'{"data":[{"id":"m"}]}' if request.head.startswith(b"GET /v1/models") else b"<html>"
        await request.reply(head("200 OK", length=len(body)), body)
        return True

    box = Box(transport, await serve(silent), told("prefix", "refused"))
    await box.look()
    assert box.backend.view.profile("m").traits.version is None
