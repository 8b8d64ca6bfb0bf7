"""Faults that meet each other, the end of a stream or a format without a word for them; every profile's surfaces."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.samples import WEATHER

from tidegate.core.events import Text
from tidegate.simulator import session as session_module
from tidegate.simulator.brain import Said, Task
from tidegate.simulator.seen import seen_view

from .conftest import AUTHORIZED, Caller, error, message

Build = Callable[..., Caller]
MESSAGES = "/anthropic/v1/messages"
OFF = {"type": "disabled"}


@pytest.mark.parametrize("profile", ["2026-04-preview", "2026-08-ga", "2026-09-v41"])
@pytest.mark.parametrize("thinking", ["enabled", "disabled"])
@pytest.mark.parametrize("path", ["/chat/completions", MESSAGES, "/beta/completions"])
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


@pytest.mark.parametrize(
    ("fault", "headers", "status"),
    [
        ("cut=5,429", {}, 429),
        ("cut=5", {"authorization": "Bearer nokey"}, 401),
        ("cut=0,503", {}, 503),
    ],
)
async def test_a_refusal_may_break_off_too(simulator: Build, fault: str, headers: dict[str, str], status: int):
    one = simulator()
    reply = await one.post(headers={"x-sim-fault": fault, **headers})
    (seen,) = one.parts.seen
    assert (len(reply.body), seen.outcome, seen.status) == (int(fault[4]), "broken", status)


async def test_what_nobody_expected_is_noted_as_a_500(simulator: Build):
    class Mad:
        async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
            raise ZeroDivisionError
            yield Text("")

    one = simulator(brain=Mad())
    with pytest.raises(ZeroDivisionError):
        await call(one.simulator, "POST", "/chat/completions", BODY, AUTHORIZED)
    assert (one.parts.seen[-1].outcome, one.parts.seen[-1].status) == ("broken", 500)


BODY = json.dumps({"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "thinking": OFF}).encode()


async def test_a_request_that_the_stopping_server_cuts_is_broken(simulator: Build):
    begun = asyncio.Event()

    class Waiting:
        async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
            begun.set()
            await asyncio.get_running_loop().create_future()
            yield Text("")

    one = simulator(brain=Waiting())
    running = asyncio.create_task(one.post())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert one.parts.seen[-1].outcome == "broken"


# -- an end that Messages has no word for ------------------------------------------------------------------------------


async def ask(one: Caller, fault: str, **fields: Any) -> Reply:
    asked = {"max_tokens": 500, "messages": [{"role": "user", "content": "Hello there"}], **fields}
    return await one.post(MESSAGES, {"x-sim-fault": fault}, **asked)


async def test_a_whole_message_cannot_say_that_resources_ran_out_and_is_a_503_without_cost(simulator: Build):
    one = simulator()
    reply = await ask(one, "insufficient_system_resource=2")
    assert (reply.status, "too busy" in error(reply)) == (503, True)
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.status, seen.cost, seen.usage) == ("refused", 503, None, None)
    assert [account.spent for account in one.parts.accounts.all()] == [Decimal(0)]


async def test_a_streamed_message_breaks_off_with_an_error_event(simulator: Build):
    one = simulator()
    reply = await ask(one, "insufficient_system_resource=2", stream=True)
    last = json.loads(reply.body.decode().rpartition("data: ")[2])
    assert (last["type"], b"message_stop" in reply.body, b"content_block_delta" in reply.body) == ("error", False, True)
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.cost is not None) == ("broken", True)


# -- arguments and heads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{"type": "object", "properties": {}}, WEATHER["function"]["parameters"]])
@pytest.mark.parametrize("stream", [False, True])
async def test_cut_arguments_are_no_json_also_where_there_are_none(simulator: Build, parameters: Any, stream: bool):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    asked = [{"role": "user", "content": "get_weather in Paris"}]
    reply = await simulator().post(
        headers={"x-sim-fault": "truncated_arguments"}, messages=asked, tools=[tool], stream=stream
    )
    if stream:
        chunks = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: {")]
        calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls") or ()]
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
    else:
        arguments = message(reply)["tool_calls"][0]["function"]["arguments"]
    assert arguments.startswith("{")
    with pytest.raises(ValueError):
        json.loads(arguments)


async def test_a_stall_without_a_stream_sends_its_head(simulator: Build):
    """The server holds a head until a byte comes after it."""
    reply = await simulator().post(headers={"x-sim-fault": "stall"})
    assert (reply.status, reply.body) == (200, b"\n")


@pytest.mark.parametrize(("seconds", "outcome"), [(599, "answered"), (600, "broken"), (700, "broken")])
async def test_the_line_closes_after_ten_minutes(simulator: Build, seconds: int, outcome: str):
    one = simulator()
    before = one.parts.clock.now()
    await one.post(headers={"x-sim-fault": f"queue={seconds}"})
    assert one.parts.seen[-1].outcome == outcome
    assert (one.parts.clock.now() - before).total_seconds() == min(seconds, 600)


# -- what is kept and where the work is done ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({}, True),
        ({"x-sim-fault": "503"}, True),
        ({"authorization": ""}, False),
        ({"authorization": "Bearer x"}, False),
    ],
)
async def test_a_body_is_kept_only_of_who_was_let_in(simulator: Build, headers: dict[str, str], kept: bool):
    one = simulator()
    await one.post(headers=headers)
    assert (one.parts.seen[-1].body is not None) is kept
    assert "output_ids" not in seen_view(one.parts.seen[-1])


@pytest.mark.parametrize(("words", "beside"), [(10, False), (10_000, True)])
async def test_long_prompts_are_prepared_beside_the_loop(
    simulator: Build, monkeypatch: pytest.MonkeyPatch, words: int, beside: bool
):
    threads: list[bool] = []
    prepare = session_module.prepare

    def noting(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        return prepare(*arguments, **options)

    monkeypatch.setattr(session_module, "prepare", noting)
    reply = await simulator().post(messages=[{"role": "user", "content": "x" + " tide" * words}])
    assert (reply.status, threads) == (200, [beside])
    refused = await simulator().post(messages=[{"role": "nobody", "content": "x" + " tide" * words}])
    assert (refused.status, threads) == (400, [beside, beside])
