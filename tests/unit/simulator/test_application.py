"""Paths: every base of the hosted API, and an empty body where it has nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import AUTHORIZED, Caller

Build = Callable[..., Caller]


@pytest.mark.parametrize("base", ["", "/v1", "/beta", "/beta/v1"])
async def test_every_base_has_chat_and_models(simulator: Build, base: str):
    one = simulator()
    assert (await one.post(f"{base}/chat/completions")).status == 200
    for path in ("/models", "/models/deepseek-flash", "/user/balance"):
        assert (await one.raw("GET", base + path, **AUTHORIZED)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/beta",
        "/embeddings",
        "/moderations",
        "/v2/models",
        "/models/",
        "/models/x/deepseek-flash",
        "/v1/models/deepseek-flash/",
        "/chat",
    ],
)
async def test_an_unknown_path_has_an_empty_404(simulator: Build, path: str):
    reply = await simulator().raw("GET", path)
    assert (reply.status, reply.body, "content-type" in reply.headers) == (404, b"", False)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/chat/completions"), ("POST", "/models"), ("DELETE", "/models/deepseek-flash")]
)
async def test_a_wrong_method_has_an_empty_405(simulator: Build, method: str, path: str):
    one = simulator()
    reply = await one.raw(method, path)
    assert (reply.status, reply.body) == (405, b"")
    assert [(seen.path, seen.status) for seen in one.parts.seen] == [(path, 405)]


async def test_it_speaks_http_only(simulator: Build):
    with pytest.raises(RuntimeError, match="not websocket"):
        await simulator().simulator({"type": "websocket"}, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", ["2026-04-preview", "2026-08-ga", "2026-09-v41"])
@pytest.mark.parametrize("thinking", ["enabled", "disabled"])
@pytest.mark.parametrize("path", ["/chat/completions", "/anthropic/v1/messages", "/beta/completions"])
async def test_every_profile_answers_on_every_surface(simulator: Build, profile: str, thinking: str, path: str):
    one = simulator(profile=profile)
    fields: dict[str, Any] = {"model": "deepseek-v4-pro", "max_tokens": 300, "thinking": {"type": thinking}}
    if path == "/beta/completions":
        fields |= {"messages": ..., "thinking": ..., "prompt": "def tide():"}
    reply = await one.post(path, **fields)
    assert reply.status == 200, reply.body
    (seen,) = one.parts.seen
    thought = (seen.usage or {}).get("reasoning") or 0
    assert (thought > 0) is (thinking == "enabled" and path != "/beta/completions")
