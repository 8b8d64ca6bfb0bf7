"""A runtime that does not do what was asked, behind a real socket and the whole gateway: an error, never a guess."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.samples import WEATHER
from tests.support.upstreams import (
    DONE,
    USAGE,
    Request,
    Upstream,
    answer,
    chunk,
    head,
    in_chunk,
    is_streamed,
    whole_reply,
)

from tidegate.app import App
from tidegate.config import parse_config

OFF = {"type": "disabled"}
USER = [{"role": "user", "content": "Answer in JSON."}]
FORCED = {"tools": [WEATHER], "tool_choice": "required", "thinking": OFF}
FORM = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "required": ["ok"]}}}
JSON = {"response_format": FORM, "thinking": OFF}
CALLED = '{"name": "get_weather", "arguments": {"city": "Brest"}}'
Replying = Callable[[Request], Awaitable[bool]]


def saying(text: str, *last: bytes, finish: str = "stop") -> Replying:
    """A server that says this text, streamed in small pieces if it is asked to; `last` replaces a stream's end."""

    async def reply(asked: Request) -> bool:
        if not asked.body:
            await asked.reply(whole_reply(b""))
            return True
        if not is_streamed(asked.body):
            await asked.reply(head("200 OK", length=len(answer(text))), answer(text))
            return True
        pieces = [chunk({"content": text[at : at + 5]}) for at in range(0, len(text), 5)]
        frames = [chunk({"role": "assistant", "content": ""}), *pieces, *(last or (chunk({}, finish, USAGE), DONE))]
        await asked.reply(head("200 OK", "text/event-stream"), *map(in_chunk, frames), in_chunk(b""))
        return True

    return reply


@asynccontextmanager
async def gateway(tmp_path: Path, *servers: Replying, kind: str) -> AsyncIterator[App]:
    """Backends `b0`, `b1`, ... behind the alias `any`, asked in that order."""
    async with AsyncExitStack() as stack:
        backends: dict[str, Any] = {}
        for index, replying in enumerate(servers):
            upstream = Upstream(replying)
            await upstream.start()
            stack.push_async_callback(upstream.stop)
            backends[f"b{index}"] = {
                "kind": kind,
                "base_url": f"{upstream.url}/v1",
                "models": ["m"],
                "features": ["thinking_off"],
            }
        written = {
            "embedded": {"enabled": False},
            "probe": {"enabled": False},
            "profiles": {"measure": False},
            "backends": backends,
            "aliases": {"any": {"targets": [f"{name}/m" for name in backends]}},
        }
        yield await stack.enter_async_context(App(parse_config(written), {}, tmp_path, None))


async def asked_of(app: App, **fields: Any) -> Reply:
    body = {"model": "any", "messages": USER, **fields}
    return await call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode())


each_kind = pytest.mark.parametrize("kind", ["llamacpp", "vllm", "generic", "sglang"])


@each_kind
async def test_prose_in_place_of_json_is_an_error_for_a_client_that_waits(kind: str, tmp_path: Path) -> None:
    async with gateway(tmp_path, saying("Secret prose."), kind=kind) as app:
        reply = await asked_of(app, **JSON)
    assert reply.status == 502
    assert "REQ011" in json.loads(reply.body)["error"]["message"]
    assert b"ecret" not in reply.body


@each_kind
async def test_a_stream_of_prose_in_place_of_json_ends_with_the_error_and_not_as_done(
    kind: str, tmp_path: Path
) -> None:
    async with gateway(tmp_path, saying("Secret prose."), kind=kind) as app:
        reply = await asked_of(app, stream=True, **JSON)
    assert b"[DONE]" not in reply.body
    last = reply.body.rstrip().rpartition(b"\n")[2].removeprefix(b"data: ")
    assert "REQ011" in json.loads(last)["error"]["message"]
    assert b"ecret" not in last


@each_kind
async def test_json_that_fits_passes(kind: str, tmp_path: Path) -> None:
    async with gateway(tmp_path, saying('{"ok": true}'), kind=kind) as app:
        reply = await asked_of(app, stream=True, **JSON)
        whole = await asked_of(app, **JSON)
    assert reply.status == 200
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == '{"ok": true}'


@each_kind
@pytest.mark.parametrize("stream", [True, False])
async def test_prose_in_place_of_a_forced_call_is_an_error_before_anything_was_said(
    kind: str, stream: bool, tmp_path: Path
) -> None:
    async with gateway(tmp_path, saying("Secret prose."), kind=kind) as app:
        reply = await asked_of(app, stream=stream, **FORCED)
    assert reply.status == 502
    assert "REQ01" in json.loads(reply.body)["error"]["message"]
    assert b"ecret" not in reply.body


async def test_where_one_only_talks_another_may_call(tmp_path: Path) -> None:
    async with gateway(tmp_path, saying("Prose."), saying(CALLED), kind="llamacpp") as app:
        reply = await asked_of(app, **FORCED)
    assert reply.status == 200
    assert reply.headers["x-tidegate-backend"] == "b1"
    choice = json.loads(reply.body)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "Brest"}'}


async def test_a_call_that_breaks_off_is_broken_and_one_that_is_cut_is_cut(tmp_path: Path) -> None:
    async with gateway(tmp_path, saying(CALLED[:-3], b""), kind="llamacpp") as app:
        broken = await asked_of(app, stream=True, **FORCED)
    assert b"[DONE]" not in broken.body
    async with gateway(tmp_path, saying(CALLED[:-6], finish="length"), kind="llamacpp") as app:
        cut = await asked_of(app, **FORCED)
    choice = json.loads(cut.body)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Br'


async def test_arguments_that_do_not_fit_are_an_error(tmp_path: Path) -> None:
    async with gateway(tmp_path, saying('{"name": "get_weather", "arguments": {"town": 1}}'), kind="generic") as app:
        reply = await asked_of(app, **FORCED)
    assert reply.status == 502
    assert "REQ012" in json.loads(reply.body)["error"]["message"]
    assert b"town" not in reply.body


async def test_a_schema_that_leads_outside_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    asked: list[Request] = []

    async def note(request: Request) -> bool:
        asked.append(request)
        return False

    form = {"type": "json_schema", "json_schema": {"schema": {"$ref": "http://127.0.0.1:9/x.json"}}}
    async with gateway(tmp_path, note, kind="llamacpp") as app:
        reply = await asked_of(app, response_format=form)
    assert (reply.status, [one for one in asked if one.body]) == (400, [])
    assert "`response_format`" in json.loads(reply.body)["error"]["message"]
