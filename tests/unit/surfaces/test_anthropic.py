"""The Messages format over scripted backends: answers whole and streamed, keys, names of other providers, failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.asgi import Reply, call

from tidegate.backends.fake import FakeBackend
from tidegate.core.errors import BackendTimedOut
from tidegate.core.events import Start, Text
from tidegate.core.requests import ChatRequest
from tidegate.surfaces.auth import Client

Build = Callable[..., Any]
PATH = "/anthropic/v1/messages"


async def ask(front: Any, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    body = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return await call(front, "POST", PATH, json.dumps(body).encode(), headers)


def events_of(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for block in reply.body.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = block.partition("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_an_unstreamed_answer_is_a_message(front: Build) -> None:
    backend = FakeBackend()
    reply = await ask(front(backend))
    message = json.loads(reply.body)
    assert (reply.status, message["type"], message["role"], message["stop_reason"]) == (
        200,
        "message",
        "assistant",
        "end_turn",
    )
    assert message["content"] == [
        {"type": "thinking", "thinking": "No thought needed.", "signature": message["id"]},
        {"type": "text", "text": "This is the scripted fake backend."},
    ]
    assert message["usage"]["input_tokens"] == 1
    assert reply.headers["x-tidegate-backend"] == "fake"
    heard = backend.heard[0]
    assert isinstance(heard, ChatRequest)
    assert (heard.codec, heard.max_tokens) == ("anthropic_messages", 50)


async def test_a_streamed_answer_begins_and_ends_as_messages_do(front: Build) -> None:
    events = events_of(await ask(front(FakeBackend()), stream=True))
    names = [name for name, _ in events]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    said = "".join(data["delta"].get("text", "") for name, data in events if name == "content_block_delta")
    assert said == "This is the scripted fake backend."


@pytest.mark.parametrize("headers", [{"x-api-key": "sk-1"}, {"authorization": "Bearer sk-1"}])
async def test_the_key_may_come_in_either_header(front: Build, headers: dict[str, str]) -> None:
    made = front(FakeBackend(), clients={"sk-1": Client("c")})
    assert (await ask(made, headers)).status == 200
    assert (await ask(made)).status == 401


async def test_another_providers_name_means_ours_unless_someone_has_it(front: Build) -> None:
    hosted = FakeBackend("deepseek", models=("deepseek-flash", "deepseek-v4-pro"))
    for name, model in (("claude-sonnet-4-5", "deepseek-flash"), ("claude-opus-4-1", "deepseek-v4-pro")):
        message = json.loads((await ask(front(hosted), model=name, thinking={"type": "disabled"})).body)
        assert message["model"] == model
    told = await ask(front(hosted), model="claude-sonnet-4-5")
    assert "RTE007" in told.headers["x-tidegate-rules"]
    own = FakeBackend("own", models=("claude-sonnet-4-5",))
    assert (await ask(front(hosted, own), model="claude-sonnet-4-5")).headers["x-tidegate-backend"] == "own"


async def test_errors_keep_the_hosted_envelope(front: Build) -> None:
    backend = FakeBackend()
    reply = await ask(front(backend), messages=[])
    assert (reply.status, backend.heard) == (400, [])
    assert json.loads(reply.body)["error"]["message"] == "messages: at least one message is required"
    assert json.loads((await ask(front(backend), model="gpt-17")).body)["error"]["message"].endswith(
        "but you passed gpt-17."
    )


async def test_a_stream_that_breaks_off_says_so_in_the_messages_form(front: Build) -> None:
    steps = [Start(), Text("Half"), BackendTimedOut("it took too long")]
    events = events_of(await ask(front(FakeBackend(script=lambda _request: steps)), stream=True))
    name, data = events[-1]
    assert (name, data["type"], data["error"]["message"]) == ("error", "error", "it took too long")
    assert "message_stop" not in [name for name, _ in events]


async def test_the_prompt_is_not_repeated_in_an_error(front: Build) -> None:
    reply = await ask(front(FakeBackend()), messages=[{"role": "user", "content": {"canary-55": "the patient said"}}])
    assert reply.status == 400
    assert b"canary" not in reply.body
    assert b"patient" not in reply.body


async def test_an_error_names_the_model_that_the_client_sent(front: Build) -> None:
    reply = await ask(front(FakeBackend(models=())), model="claude-sonnet-5")
    assert reply.status >= 400
    assert b"claude-sonnet-5" in reply.body


async def test_an_unknown_model_is_said_before_any_rule(front: Build) -> None:
    told = await ask(front(FakeBackend()), model="nonexistent", max_tokens=0, messages=[])
    assert json.loads(told.body)["error"]["message"].endswith("but you passed nonexistent.")
    known = await ask(front(FakeBackend()), max_tokens=0)
    assert "Invalid max_tokens value" in json.loads(known.body)["error"]["message"]
