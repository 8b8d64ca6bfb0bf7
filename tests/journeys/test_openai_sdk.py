"""The official `openai` SDK, pointed at the gateway over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest
from openai import APIError, BadRequestError, NotFoundError, OpenAI, PermissionDeniedError
from tests.support.process import tidegate_up
from tests.support.upstreams import DONE, STREAM, USAGE, Request, Upstream, chunk, head, in_chunk, served, whole_reply

HELLO = [{"role": "user", "content": "Say hello."}]
OFF = {"thinking": {"type": "disabled"}}


def test_it_chats_and_counts(client: OpenAI) -> None:
    reply = client.chat.completions.create(model="auto", messages=HELLO, max_tokens=24, extra_body=OFF)
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason in ("stop", "length")
    assert reply.model == "smollm2-135m-instruct"
    usage = reply.usage
    assert usage is not None
    assert usage.prompt_tokens > 5
    assert 0 < usage.completion_tokens <= 24
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    extra = usage.model_extra or {}
    assert extra["prompt_cache_hit_tokens"] + extra["prompt_cache_miss_tokens"] == usage.prompt_tokens


def test_thinking_stands_apart_and_ends_by_its_budget(client: OpenAI) -> None:
    for streamed in (False, True):
        asked = {"model": "auto", "messages": HELLO, "max_tokens": 60, "temperature": 0, "seed": 7}
        if streamed:
            deltas = [part.choices[0].delta for part in client.chat.completions.create(**asked, stream=True)]
            reasoning = "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas)
            content = "".join(delta.content or "" for delta in deltas)
            assert deltas[0].role == "assistant"
            assert deltas[0].content is None
        else:
            message = client.chat.completions.create(**asked).choices[0].message
            reasoning, content = (message.model_extra or {})["reasoning_content"], message.content or ""
        assert reasoning
        assert content
        assert "<think>" not in reasoning + content


def test_usage_rides_on_the_last_content_chunk(client: OpenAI) -> None:
    parts = list(
        client.chat.completions.create(
            model="auto",
            messages=HELLO,
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=OFF,
        )
    )
    assert all(part.choices for part in parts)
    assert all(part.usage is None for part in parts[:-1])
    assert parts[-1].usage is not None
    assert parts[-1].choices[0].finish_reason is not None


@pytest.mark.parametrize("kind", ["generic", "deepseek", "llamacpp"])
def test_the_first_content_arrives_before_the_last_token_is_made(folder: Path, kind: str) -> None:
    client_has_first = threading.Event()

    async def reply(request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        begin = in_chunk(STREAM[0]), in_chunk(chunk({"content": "first"}))
        await request.reply(head("200 OK", "text/event-stream"), *begin)
        # The rest does not exist until the client has read the first token.
        assert await asyncio.to_thread(client_has_first.wait, 30)
        rest = chunk({"content": " last"}), chunk({"content": ""}, "stop", USAGE), DONE, b""
        await request.reply(*map(in_chunk, rest))
        return True

    said: list[str] = []
    with (
        served(Upstream(reply)) as upstream,
        tidegate_up(folder, one_backend(kind, upstream), "--no-embedded", DEEPSEEK_API_KEY="k") as running,
        OpenAI(base_url=running.url, api_key="k", max_retries=0) as client,
    ):
        for part in client.chat.completions.create(model="b/m", messages=HELLO, stream=True):
            if part.choices[0].delta.content:
                said.append(part.choices[0].delta.content)
                client_has_first.set()
    assert said == ["first", " last"]


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_stops_the_backend(folder: Path, streamed: bool) -> None:
    backend_has_request, backend_was_left = threading.Event(), threading.Event()

    async def reply(request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        if streamed:
            await request.reply(head("200 OK", "text/event-stream"), in_chunk(STREAM[0]), in_chunk(STREAM[1]))
        backend_has_request.set()
        await request.peer_has_left()
        backend_was_left.set()
        return False

    with (
        served(Upstream(reply)) as upstream,
        tidegate_up(folder, one_backend("generic", upstream), "--no-embedded") as running,
    ):
        body = {"model": "b/m", "messages": HELLO, "stream": streamed}
        leaving = HTTPConnection("127.0.0.1", running.port)
        leaving.request("POST", "/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        assert backend_has_request.wait(20)
        assert leaving.sock is not None
        leaving.close()
        assert backend_was_left.wait(20)
        assert running.stop() == 0
        with sqlite3.connect(running.state / "ledger.sqlite3") as ledger:
            assert ledger.execute("SELECT status, error FROM exchanges").fetchall() == [(499, "ClientLeft")]


def one_backend(kind: str, upstream: Upstream) -> str:
    return f"[probe]\nenabled = false\n[backends.b]\nkind = '{kind}'\nbase_url = '{upstream.url}'\nmodels = ['m']\n"


def test_bad_calls_are_the_sdks_own_errors(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="valid range of temperature"):
        client.chat.completions.create(model="auto", messages=HELLO, temperature=9)
    with pytest.raises(BadRequestError, match=r"API model names are auto, local"):
        client.chat.completions.create(model="gpt-17", messages=HELLO)
    with pytest.raises(NotFoundError, match="GET /models"):
        client.chat.completions.create(model="embedded/gpt-17", messages=HELLO)
    with pytest.raises(NotFoundError):
        client.embeddings.create(model="auto", input="x")


def test_private_and_external_do_not_meet(folder: Path) -> None:
    config = "[probe]\nenabled = false\n"
    with (
        tidegate_up(folder, config, "--no-embedded", DEEPSEEK_API_KEY="sk-none") as running,
        OpenAI(base_url=running.url, api_key="k", max_retries=0) as client,
        pytest.raises(PermissionDeniedError, match="RTE010") as refused,
    ):
        client.chat.completions.create(
            model="deepseek-flash", messages=HELLO, extra_headers={"x-tidegate-class": "private"}
        )
    assert refused.value.response.headers["x-tidegate-class"] == "private"


def test_models_lists_names_and_addresses(client: OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {"auto", "local", "smollm2-135m-instruct", "embedded/smollm2-135m-instruct"} == listed.keys()
    demo = listed["embedded/smollm2-135m-instruct"]
    assert (demo.model_extra or {})["note"] == "embedded demo model, not DeepSeek"


def test_killing_the_engine_mid_stream_is_a_clean_error_and_the_next_request_works(folder: Path) -> None:
    with (
        tidegate_up(folder, "[probe]\nenabled = false\n", "--no-ask") as running,
        OpenAI(base_url=running.url, api_key="k", max_retries=0, timeout=60) as client,
    ):
        poem = [{"role": "user", "content": "Count from one to five hundred in words."}]
        client.chat.completions.create(model="auto", messages=HELLO, max_tokens=4, extra_body=OFF)
        for _ in range(2):
            stream = client.chat.completions.create(
                model="auto", messages=poem, stream=True, max_tokens=2000, extra_body=OFF
            )
            with pytest.raises(APIError, match=r"middle of its answer|broke off") as broken:
                for position, _part in enumerate(stream):
                    if position == 3:
                        os.kill(running.engine_pid(), signal.SIGKILL)
            assert json.dumps(broken.value.body)
            again = client.chat.completions.create(model="auto", messages=HELLO, max_tokens=8, extra_body=OFF)
            assert again.choices[0].finish_reason in ("stop", "length")
        assert running.process.poll() is None
    assert "Traceback" not in running.output
