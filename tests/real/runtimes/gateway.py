"""A gateway over one real runtime, and what a client reads off its answers, streamed or not, as one value."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.asgi import Reply, call

from tidegate.app import App
from tidegate.backends.connection import Limits
from tidegate.backends.probe import Probe
from tidegate.backends.transport import Transport
from tidegate.catalog.runtimes import runtimes
from tidegate.config import parse_config
from tidegate.core.profile import Profile

Json = dict[str, Any]

PATIENCE_S = 60.0
"""The first request after a start may take seconds where both cores are busy."""


def says(raw: str, question: str = "Go on.") -> list[Json]:
    """Messages that make a scripted model put out exactly this, markers and all (`scripted.py`)."""
    return [{"role": "user", "content": f"{question} [say:{base64.b64encode(raw.encode()).decode()}]"}]


@dataclass(slots=True)
class Answer:
    """One answer of status 200, folded."""

    reply: Reply
    content: str = ""
    reasoning: str = ""
    calls: list[Json] = field(default_factory=list[Json])
    finishes: list[str] = field(default_factory=list[str])
    usage: Json = field(default_factory=dict[str, Any])

    @property
    def quirks(self) -> list[str]:
        return self.reply.headers["x-tidegate-quirks"].split(",")

    def take(self, said: Json) -> None:
        self.content += said.get("content") or ""
        self.reasoning += said.get("reasoning_content") or ""
        for place, piece in enumerate(said.get("tool_calls") or ()):
            number = piece.get("index", place)
            if number == len(self.calls):
                self.calls.append({"id": piece["id"], "name": "", "arguments": ""})
            for key in ("name", "arguments"):
                self.calls[number][key] += piece["function"].get(key) or ""


def read(reply: Reply) -> Answer:
    answer = Answer(reply)
    assert reply.status == 200, reply.body
    if not reply.body.startswith((b"data: ", b": ")):
        whole = json.loads(reply.body)
        answer.take(whole["choices"][0]["message"])
        answer.finishes.append(whole["choices"][0]["finish_reason"])
        answer.usage = whole["usage"]
        return answer
    *lines, last = [line for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    assert last == "data: [DONE]"
    for chunk in (json.loads(line.removeprefix("data: ")) for line in lines):
        answer.usage = chunk.get("usage") or answer.usage
        for choice in chunk["choices"]:
            answer.take(choice["delta"])
            answer.finishes += [choice["finish_reason"]] if choice["finish_reason"] else []
    return answer


class Gateway:
    """Asks the backend `box`, with these fields unless a test says otherwise."""

    def __init__(self, app: App, data_class: str, fields: Json) -> None:
        self._app = app
        self._class = data_class
        self._fields = fields

    async def post(self, path: str = "/chat/completions", **fields: Any) -> Reply:
        body: Json = {"model": "box", "max_tokens": 300} | self._fields | fields
        if body.get("stream"):
            body["stream_options"] = {"include_usage": True}
        raw = json.dumps(body).encode()
        return await call(self._app.asgi, "POST", path, raw, {"x-tidegate-class": self._class})

    async def ask(self, **fields: Any) -> Answer:
        return read(await self.post(**fields))

    async def profile(self) -> Profile:
        """What is known of the only model, once its measurement is over."""
        await self._app.registry.learned()
        view = self._app.registry.backends[0].view
        return view.profile(view.models[0])

    async def refusal(self, **fields: Any) -> tuple[int, str]:
        reply = await self.post(**fields)
        return reply.status, json.loads(reply.body)["error"]["message"]


@asynccontextmanager
async def gateway_over(
    kind: str, url: str, folder: Path, *, measure: bool = False, **backend: Any
) -> AsyncGenerator[Gateway]:
    """Unless told, nothing is measured beside the test's own requests."""
    written = {
        "profiles": {"measure": measure},
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "backends": {"box": {"kind": kind, "base_url": f"{url}/v1", **backend}},
    }
    async with App(parse_config(written), {}, folder, None) as app:
        if kind == "transformers_serve":  # cannot prove that it keeps a prompt to itself, cannot be told not to think
            yield Gateway(app, "public", {})
        else:
            yield Gateway(app, "private", {"thinking": {"type": "disabled"}})


async def found_at(url: str) -> list[str]:
    """The kinds of runtime that the probe takes this one for, if each had this port for its default."""
    watcher = Transport(Limits(connect_s=PATIENCE_S, first_byte_s=PATIENCE_S, idle_s=PATIENCE_S))
    port = int(url.rsplit(":", 1)[1])
    everywhere = tuple(replace(runtime, port=port) for runtime in runtimes())
    found = await Probe(watcher, watcher, everywhere, frozenset()).find()
    watcher.close()
    return [backend.name for backend in found]
