"""Paths to surfaces: what is served where, and an envelope for every path, method and crash besides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import call
from tests.support.samples import request_body

from tidegate.backends.fake import FakeBackend

Build = Callable[..., Any]
BASES = ("", "/v1", "/beta", "/beta/v1")
SERVED = {
    **{f"{base}/chat/completions": "POST" for base in BASES},
    **{f"{base}/completions": "POST" for base in BASES if "beta" in base},
    **{f"{base}/models": "GET" for base in BASES},
    **{f"{base}/models/auto": "GET" for base in BASES},
    **{f"{base}/user/balance": "GET" for base in BASES},
    "/anthropic/v1/messages": "POST",
    "/anthropic/messages": "POST",
    "/v1/messages": "POST",
    "/-/health": "GET",
    "/-/ready": "GET",
    "/-/status": "GET",
}


class Hosted:
    async def fetch(self, _path: str) -> bytes:
        return b"{}"


def body_for(path: str) -> bytes:
    chat = "/chat/" in path or "messages" in path
    return request_body() if chat else b'{"model":"auto","prompt":"x"}'


@pytest.mark.parametrize("path", SERVED)
async def test_each_path_answers_its_method(front: Build, path: str) -> None:
    reply = await call(front(FakeBackend(), hosted=Hosted()), SERVED[path], path, body_for(path))
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("path", [*SERVED, "/-/exchanges/ex_0"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_every_other_method_is_refused_by_name(front: Build, method: str, path: str) -> None:
    wanted = SERVED.get(path, "GET")
    if method == wanted:
        return
    reply = await call(front(backend := FakeBackend()), method, path, request_body())
    assert reply.status == 405
    assert json.loads(reply.body)["error"]["message"] == f"This path takes {wanted}"
    assert backend.heard == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/chat/completions/",
        "/v1/chat/completions/",
        "//chat/completions",
        "/V1/chat/completions",
        "/v1",
        "/v2/models",
        "/anthropic/v1/models",
        "/-/exchanges",
        "/-/",
        "/embeddings",
        "/chat/completions%00",
    ],
)
async def test_any_other_path_is_a_404_that_says_where_things_are(front: Build, path: str) -> None:
    reply = await call(front(FakeBackend()), "POST", path, request_body())
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"]) == (404, "invalid_request_error")
    for place in ("/chat/completions", "/models", "/-/status"):
        assert place in error["message"]


async def test_no_path_of_a_client_is_repeated(front: Build) -> None:
    assert b"canary" not in (await call(front(FakeBackend()), "GET", "/canary-55")).body


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_only_http_is_served(front: Build, kind: str) -> None:
    with pytest.raises(RuntimeError, match=f"Tidegate serves HTTP, not {kind}"):
        await call_as(front(FakeBackend()), kind)


async def call_as(app: Any, kind: str) -> None:
    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    await app({"type": kind, "path": "/"}, nothing, nothing)


async def test_a_crash_of_a_handler_is_a_500_without_its_text(front: Build, caplog: pytest.LogCaptureFixture) -> None:
    made = front(FakeBackend())

    def crash() -> None:
        raise LookupError("canary-55")

    made.gateway.backends.snapshot = crash
    reply = await call(made, "GET", "/models")
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (500, "server_error")
    assert "canary-55" not in reply.body.decode() + caplog.text
    assert "unexpected LookupError" in caplog.text


async def test_no_answer_gives_web_pages_leave_to_read_it(front: Build) -> None:
    for method, path in (("OPTIONS", "/chat/completions"), ("GET", "/models"), ("POST", "/chat/completions")):
        reply = await call(front(FakeBackend()), method, path, request_body(), {"origin": "https://evil.example"})
        assert not [name for name in reply.headers if name.startswith("access-control-")]
