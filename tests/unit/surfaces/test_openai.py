"""The OpenAI-shaped formats: what belongs to the beta base, what a completion looks like, which rules are held."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.samples import request_body

from tidegate.backends.fake import FakeBackend
from tidegate.core.errors import NotSupported
from tidegate.routing.policy import Policy

Build = Callable[..., Any]
PREFIX = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The", "prefix": True}]
FUNCTION = {"name": "f", "arguments": "{}"}
CALLED = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION}]},
    {"role": "tool", "tool_call_id": "c", "content": "x"},
]  # fmt: skip
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def error_text(reply: Reply) -> str:
    return json.loads(reply.body)["error"]["message"]


@pytest.mark.parametrize(("base", "status"), [("", 400), ("/v1", 400), ("/beta", 200), ("/beta/v1", 200)])
async def test_a_prefix_belongs_to_the_beta_base(front: Build, base: str, status: int) -> None:
    backend = FakeBackend()
    reply = await call(front(backend), "POST", f"{base}/chat/completions", request_body(messages=PREFIX))
    assert reply.status == status
    assert len(backend.heard) == (status == 200)
    if status == 400:
        assert error_text(reply).startswith("prefix is only available when using beta api")


@pytest.mark.parametrize("base", ["", "/v1"])
@pytest.mark.parametrize("body", [b'{"model":"auto","prompt":"x"}', b"nonsense"])
async def test_off_beta_a_completion_is_told_where_to_go_whatever_it_says(front: Build, base: str, body: bytes) -> None:
    reply = await call(front(FakeBackend()), "POST", f"{base}/completions", body)
    assert (reply.status, error_text(reply)) == (
        400,
        'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")',
    )


async def test_a_completion_whole_and_streamed(front: Build) -> None:
    fields = {"model": "auto", "prompt": "def f():", "suffix": "return x"}
    whole = json.loads(
        (await call(front(FakeBackend()), "POST", "/beta/completions", json.dumps(fields).encode())).body
    )
    assert whole["object"] == "text_completion"
    assert whole["choices"] == [
        {"finish_reason": "stop", "index": 0, "logprobs": None, "text": "This is the scripted fake backend."}
    ]
    streamed = await call(
        front(FakeBackend()), "POST", "/beta/completions", json.dumps({**fields, "stream": True}).encode()
    )
    blocks = streamed.body.decode().removesuffix("\n\n").split("\n\n")
    assert blocks[-1] == "data: [DONE]"
    chunks = [json.loads(block[6:]) for block in blocks[:-1]]
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "This is the scripted fake backend."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == 6


async def test_the_rules_of_a_completion_are_held(front: Build) -> None:
    backend = FakeBackend()
    body = json.dumps({"model": "auto", "prompt": "x", "max_tokens": 5000}).encode()
    reply = await call(front(backend), "POST", "/beta/completions", body)
    assert (reply.status, error_text(reply), backend.heard) == (
        400,
        "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]",
        [],
    )


async def test_an_unknown_model_is_said_before_any_rule(front: Build) -> None:
    reply = await call(front(FakeBackend()), "POST", "/chat/completions", request_body(model="gpt-17", temperature=9))
    assert error_text(reply).endswith("but you passed gpt-17.")


async def test_reasoning_that_was_not_passed_back_is_not_the_clients_mistake_here(front: Build) -> None:
    body = request_body(messages=CALLED, tools=[TOOL])
    assert (await call(front(FakeBackend()), "POST", "/chat/completions", body)).status == 200


async def test_what_one_backend_does_not_support_another_may(front: Build) -> None:
    cannot = FakeBackend("cannot", script=lambda _request: [NotSupported("no FIM here")])
    body = b'{"model":"auto","prompt":"x"}'
    reply = await call(front(cannot, FakeBackend("can")), "POST", "/beta/completions", body)
    assert (reply.status, reply.headers["x-tidegate-backend"]) == (200, "can")
    alone = await call(front(cannot), "POST", "/beta/completions", body)
    assert (alone.status, error_text(alone)) == (400, "no FIM here")


async def test_a_retired_name_is_held_to_the_rules_of_what_it_meant(front: Build) -> None:
    """`deepseek-chat` never thought, so it may be told which tool to call; `deepseek-flash` thinks and may not."""
    policy = Policy(rewrites_legacy=True)
    made = front(FakeBackend(models=("deepseek-flash",)), policy=policy)
    for name, status in (("deepseek-chat", 200), ("deepseek-flash", 400)):
        body = request_body(model=name, tools=[TOOL], tool_choice="required")
        assert (await call(made, "POST", "/chat/completions", body)).status == status
