"""The simulated Messages surface: keys in either header, names of other providers, counts from the start, and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.support.asgi import Reply, call

from tidegate.simulator.messages import MessagesSurface

from .conftest import Caller, error

PATH = "/anthropic/v1/messages"


async def ask(one: Caller, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    body = {"model": "deepseek-flash", "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}], **fields}
    sent = {"authorization": "Bearer sk-1"} if headers is None else headers
    return await call(one.simulator, "POST", PATH, json.dumps(body).encode(), sent)


def events(reply: Reply) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"x-api-key": "sk-a"}, "sk-a"),
        ({"authorization": "Bearer sk-b"}, "sk-b"),
        ({"authorization": "Bearer sk-b", "x-api-key": "sk-a"}, "sk-b"),
        ({}, None),
    ],
)
def test_the_key_may_stand_in_either_header(headers: dict[str, str], key: str | None):
    scope = {"headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    assert MessagesSurface().key(scope) == key


async def test_a_stream_says_at_its_start_what_the_prompt_was_and_ends_with_its_own_last_word(
    simulator: Callable[..., Caller],
):
    reply = await ask(simulator(), stream=True)
    first, *_, delta, last = events(reply)
    assert first["message"]["usage"]["input_tokens"] == delta["usage"]["input_tokens"] > 0
    assert delta["usage"]["output_tokens"] > 0
    assert last == {"type": "message_stop"}
    assert reply.body.endswith(MessagesSurface.last_words)


async def test_a_stop_sequence_is_named(simulator: Callable[..., Caller]):
    asked = [{"role": "user", "content": "Say exactly: one two three"}]
    reply = await ask(simulator(), messages=asked, stop_sequences=["two"], thinking={"type": "disabled"})
    answer = json.loads(reply.body)
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "two")
    assert answer["content"] == [{"type": "text", "text": "one "}]


async def test_another_providers_name_means_ours(simulator: Callable[..., Caller]):
    assert json.loads((await ask(simulator(), model="claude-opus-9")).body)["model"] == "deepseek-v4-pro"
    refused = await ask(simulator(), model="gpt-17")
    assert (refused.status, "but you passed gpt-17" in error(refused)) == (400, True)


async def test_errors_have_the_hosted_envelope_and_thinking_must_be_passed_back(simulator: Callable[..., Caller]):
    called = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [called]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    refused = await ask(simulator(), messages=history, tools=tools)
    assert (refused.status, "must be passed back" in error(refused)) == (400, True)
    assert (await ask(simulator(passback=False), messages=history, tools=tools)).status == 200


async def test_the_cache_is_seen_in_the_counts(simulator: Callable[..., Caller]):
    one = simulator(cache={"build_delay_s": 0.0})
    long = [{"role": "user", "content": "The tide comes in. " * 60}]
    first = json.loads((await ask(one, messages=long)).body)["usage"]
    again = json.loads((await ask(one, messages=long)).body)["usage"]
    assert first["cache_read_input_tokens"] == 0
    assert again["cache_read_input_tokens"] >= 128
    assert again["input_tokens"] + again["cache_read_input_tokens"] == first["input_tokens"]


async def test_a_whole_message_cannot_say_that_resources_ran_out_and_is_a_503_without_cost(
    simulator: Callable[..., Caller],
):
    one = simulator()
    reply = await ask(one, {"authorization": "Bearer sk-1", "x-sim-fault": "insufficient_system_resource=2"})
    assert (reply.status, "too busy" in error(reply)) == (503, True)
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.status, seen.cost, seen.usage) == ("refused", 503, None, None)
    assert [account.spent for account in one.parts.accounts.all()] == [Decimal(0)]


async def test_a_streamed_message_breaks_off_with_an_error_event(simulator: Callable[..., Caller]):
    one = simulator()
    reply = await ask(
        one, {"authorization": "Bearer sk-1", "x-sim-fault": "insufficient_system_resource=2"}, stream=True
    )
    last = json.loads(reply.body.decode().rpartition("data: ")[2])
    assert (last["type"], b"message_stop" in reply.body, b"content_block_delta" in reply.body) == ("error", False, True)
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.cost is not None) == ("broken", True)


async def test_an_unknown_model_is_said_before_any_rule(simulator: Callable[..., Caller]):
    refused = await ask(simulator(), model="nonexistent", max_tokens=0, messages=[])
    assert (refused.status, "but you passed nonexistent" in error(refused)) == (400, True)
