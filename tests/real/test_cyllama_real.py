"""A server that says it is OpenAI-compatible and is not: cyllama 0.2.18's own, started here, behind a real gateway.

What it does, run on 2026-11-24 with the demo model (`tests/wire/cyllama-0.2.18`): HTTP/1.0, each connection closed after
its answer; `stream` is ignored and JSON comes; the first chat after the start is answered, with `finish_reason` "stop"
even where `max_tokens` cut it; every later one is a 200 with `content` "" and 0 completion tokens, because the engine
refuses its batch and the server does not notice; missing `messages` are a 200 too; the model that it lists,
gpt-3.5-turbo, is none that it has, and answers repeat whatever name they were asked by.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call

from tidegate.app import App
from tidegate.config import parse_config

FITS = sys.version_info[:2] == (3, 11) and sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(
    not FITS, reason="cyllama 0.2.18 is installed on Python 3.11 on Linux x86_64 only (wheel, `test` extra)"
)
READY = "Python server running"
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}


@pytest.fixture(scope="module")
def url(model_path: Path) -> Generator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cyllama.llama.server", "-m", str(model_path), "--host", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        assert any(line.startswith(READY) for line in server.stdout), "it did not start; is the `test` extra installed?"
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def written(url: str, more: dict[str, Any], *, measure: bool) -> dict[str, Any]:
    return {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": measure},
        "privacy": {"default_class": "private"},
        "backends": {"odd": {"kind": "generic", "base_url": url, "stays_home": True}, **more},
    }


async def asked(folder: Path, url: str, more: dict[str, Any], *asks: dict[str, Any]) -> list[Reply]:
    async with App(parse_config(written(url, more, measure=False)), {}, folder, None) as app:
        return [
            await call(app.asgi, "POST", "/chat/completions", json.dumps({**ASKED, **ask}).encode()) for ask in asks
        ]


@pytest.fixture(scope="module")
def first(url: str, tmp_path_factory: pytest.TempPathFactory) -> Reply:
    """The one chat after its start that it answers, asked for as a stream."""
    folder = tmp_path_factory.mktemp("first")
    return asyncio.run(asked(folder, url, {}, {"model": "odd", "stream": True}))[0]


def test_what_it_answers_whole_reaches_a_client_that_streams_as_a_stream(first: Reply) -> None:
    assert (first.status, first.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    events = [line[6:] for line in first.body.decode().split("\n\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]).strip()
    usage = next(chunk["usage"] for chunk in chunks if chunk.get("usage"))
    assert usage["completion_tokens"] > 0
    assert usage["prompt_cache_hit_tokens"] is None, "what nobody counted is not 0"


@pytest.mark.parametrize("stream", [True, False])
async def test_its_empty_answers_are_refused_and_never_served(
    first: Reply, url: str, tmp_path: Path, stream: bool
) -> None:
    replies = await asked(tmp_path, url, {}, *[{"model": name, "stream": stream} for name in ("odd", "local")])
    for reply in replies:
        assert reply.status == 502
        error = json.loads(reply.body)["error"]
        assert "REQ010" in error["message"]
        assert "hello" not in error["message"]


@pytest.mark.parametrize("stream", [True, False])
async def test_another_candidate_answers_instead(first: Reply, url: str, tmp_path: Path, stream: bool) -> None:
    (reply,) = await asked(tmp_path, url, {"spare": {"kind": "fake"}}, {"model": "auto", "stream": stream})
    assert (reply.status, reply.headers["x-tidegate-backend"]) == (200, "spare")
    assert "RTE030" in reply.headers["x-tidegate-rules"]
    assert b"scripted" in reply.body


async def test_the_name_that_it_lists_is_taken_as_its_word(first: Reply, url: str, tmp_path: Path) -> None:
    (listed, foreign) = await asked(tmp_path, url, {}, {"model": "gpt-3.5-turbo"}, {"model": "smollm2-135m-instruct"})
    assert (listed.status, foreign.status) == (502, 400)


async def test_beside_it_a_request_that_the_contract_forbids_never_leaves(
    first: Reply, url: str, tmp_path: Path
) -> None:
    (reply,) = await asked(tmp_path, url, {}, {"model": "odd", "messages": []})
    assert reply.status == 400, "it would have answered 200"


async def test_the_probe_finds_that_nothing_works_there(first: Reply, url: str, tmp_path: Path) -> None:
    async with App(parse_config(written(url, {}, measure=True)), {}, tmp_path, None) as app:
        await app.registry.learned()
        view = app.registry.backends[0].view
    facts = view.profile(view.models[0]).facts
    measured = {fact.feature: (fact.way, fact.code) for fact in facts if fact.basis == "measured"}
    assert measured == dict.fromkeys(("thinking_off", "json", "forced_tools"), ("refused", "PRF002"))
