"""The journey of a request: who is let in, what is charged and cached, how faults show, and what a leaving client leaves."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from tests.support.asgi import Reply
from tests.support.samples import WEATHER

from tidegate.core.errors import BackendUnreachable
from tidegate.core.events import Text
from tidegate.simulator import session as session_module
from tidegate.simulator.brain import Said, Task
from tidegate.simulator.seen import seen_view

from .conftest import AUTHORIZED, Caller, TurnedClock, error, message

Build = Callable[..., Caller]
LONG = [{"role": "user", "content": "x" + " tide" * 500}]
OFF = {"type": "disabled"}


def usage(reply: Reply) -> dict[str, Any]:
    return json.loads(reply.body)["usage"]


def seen_view_body(one: Caller) -> Any:
    return json.loads(orjson.dumps(seen_view(one.parts.seen[-1])))["body"]


def chunks(reply: Reply) -> list[dict[str, Any]]:
    events = [event for event in reply.body.decode().split("\n\n") if event.startswith("data: {")]
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_an_answer_is_counted_charged_and_noted(simulator: Build):
    one = simulator()
    reply = await one.post()
    assert message(reply) == {"role": "assistant", "content": "OK"}
    assert usage(reply)["prompt_tokens"] == 8
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.status, seen.finish, seen.model) == ("answered", 200, "stop", "deepseek-flash")
    assert seen_view_body(one)["messages"][0]["content"] == "Return exactly: OK"
    assert seen.cost == (8 * Decimal("0.15") + 1 * Decimal("0.60")) / 1_000_000  # Tuesday noon in UTC is off-peak
    (account,) = one.parts.accounts.all()
    assert account.spent == seen.cost
    assert reply.headers["x-request-id"] == reply.headers["x-deepseek-request-id"] == json.loads(reply.body)["id"]


async def test_the_second_time_hits_once_the_cache_is_built(simulator: Build):
    one = simulator()
    hits = []
    for wait_s in (0, 0, 3):
        one.parts.clock.advance(wait_s)
        hits.append(usage(await one.post(messages=LONG))["prompt_cache_hit_tokens"])
    assert hits == [0, 0, 384]
    assert usage(await one.post(messages=LONG, user_id="someone else"))["prompt_cache_hit_tokens"] == 0


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({"authorization": ""}, 401, b"Authentication Fails (governor)"),
        ({"authorization": "Bearer pk-1234"}, 401, b"****1234 is invalid"),
        ({"content-type": "text/plain"}, 415, b"Expected request with `Content-Type: application/json`"),
    ],
)
async def test_who_and_what_is_not_let_in(simulator: Build, headers, status, body):
    reply = await simulator().post(headers=headers)
    assert (reply.status, body in reply.body) == (status, True)


async def test_a_body_that_is_no_json_is_refused(simulator: Build):
    one = simulator()
    reply = await one.raw("POST", "/chat/completions", b'{"a"', **AUTHORIZED)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/octet-stream")
    assert reply.body.startswith(b"Failed to parse the request body as JSON: ")
    assert reply.body.endswith(b" at line 1 column 4")
    assert seen_view_body(one) is None


@pytest.mark.parametrize("status", [400, 422])
async def test_a_body_of_the_wrong_shape_is_quoted_to_who_wrote_it(simulator: Build, status: int):
    reply = await simulator(shape_status=status).post(max_tokens="five words that nobody else should read")
    assert reply.status == status
    assert 'max_tokens: invalid type: string "five words that nobody else should read", expected u32' in error(reply)


async def test_an_empty_account_is_refused_and_a_filled_one_served(simulator: Build):
    one = simulator(balance=Decimal("0.000001"))
    assert [(await one.post()).status for _ in range(3)] == [200, 402, 402]
    assert error(await one.post()) == "Insufficient Balance"
    one.parts.accounts.set("sk-test-0000", Decimal(1), Decimal(0))
    assert (await one.post()).status == 200


class Slow:
    """A brain that speaks when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Semaphore(0)
        self.closed = 0

    async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
        try:
            yield Text("One")
            self.begun.release()
            await self.go.wait()
            yield Text(" two")
        finally:
            self.closed += 1


async def test_more_open_requests_than_the_balance_allows_are_refused(simulator: Build):
    brain = Slow()
    one = simulator(brain=brain, balance=Decimal("0.01"))
    open_requests = [asyncio.create_task(one.post()) for _ in range(25)]
    for _ in open_requests:
        await brain.begun.acquire()
    refused = await one.post()
    assert (
        refused.status,
        "current concurrency is 26, which exceeds your concurrency limit of 25" in error(refused),
    ) == (429, True)
    brain.go.set()
    assert {reply.status for reply in await asyncio.gather(*open_requests)} == {200}
    assert (await one.post()).status == 200


async def test_who_waits_for_a_slot_gets_keep_alives_and_then_the_answer(simulator: Build):
    brain = Slow()

    class Ticking(TurnedClock):
        async def _turn(self, seconds: float) -> None:
            await super()._turn(seconds)
            if (self.now().minute, brain.go.is_set()) == (1, False):
                brain.go.set()
            await asyncio.sleep(0)

    one = simulator(brain=brain, slots=1, clock=Ticking())
    first = asyncio.create_task(one.post())
    await brain.begun.acquire()
    second, third = await asyncio.gather(one.post(stream=True), one.post())
    assert message(await first)["content"] == "One two"
    assert second.body.startswith(b": keep-alive\n\n") and second.body.endswith(b"data: [DONE]\n\n")
    assert third.body.startswith(b"\n\n") and message(third)["content"] == "One two"


async def test_an_engine_that_fails_is_a_service_too_busy(simulator: Build):
    class Broken:
        async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
            raise BackendUnreachable("gone")
            yield Text("")

    reply = await simulator(brain=Broken()).post()
    assert (reply.status, "too busy" in error(reply)) == (503, True)


# -- faults ------------------------------------------------------------------------------------------------------------


async def faulty(one: Caller, fault: str, **fields: Any) -> Reply:
    return await one.post(headers={"x-sim-fault": fault}, **fields)


async def test_an_armed_fault_meets_the_next_requests_and_no_more(simulator: Build):
    one = simulator()
    await one.raw("POST", "/-/faults", b'{"fault":"503","times":2}')
    assert [(await one.post()).status for _ in range(3)] == [503, 503, 200]
    assert [seen.faults for seen in one.parts.seen] == [["503=hosted"], ["503=hosted"], []]


async def test_an_unknown_fault_is_refused_by_name(simulator: Build):
    reply = await faulty(simulator(), "teapot")
    assert (reply.status, "there is no fault 'teapot'; known are 401, " in error(reply)) == (400, True)


async def test_refused_requests_cost_nothing(simulator: Build):
    one = simulator()
    await faulty(one, "500")
    assert (one.parts.seen[-1].cost, one.parts.accounts.all()) == (None, [])


async def test_a_stream_without_its_last_word(simulator: Build):
    reply = await faulty(simulator(), "no_done", stream=True)
    assert b'"finish_reason":"stop"' in reply.body
    assert b"[DONE]" not in reply.body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_answer_is_still_paid(simulator: Build, stream: bool):
    one = simulator()
    reply = await faulty(one, "cut=40", stream=stream)
    assert len(reply.body) == 40
    (seen,) = one.parts.seen
    assert (seen.outcome, seen.cost is not None) == ("broken", True)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stall_ends_after_ten_minutes(simulator: Build, stream: bool):
    one = simulator()
    before = one.parts.clock.now()
    reply = await faulty(one, "stall=1", stream=stream, messages=[{"role": "user", "content": "Return exactly: a b c"}])
    assert (one.parts.clock.now() - before).total_seconds() == 600
    assert one.parts.seen[-1].outcome == "broken"
    if stream:
        assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks(reply)] == ["", "a"]


@pytest.mark.parametrize(("fault", "seconds"), [("slow=7", 7), ("queue=31", 31)])
async def test_time_passes_before_the_first_token(simulator: Build, fault: str, seconds: int):
    one = simulator()
    before = one.parts.clock.now()
    reply = await faulty(one, fault)
    assert (one.parts.clock.now() - before).total_seconds() == seconds
    assert reply.body.startswith(b"\n\n{") == (fault == "queue=31")


async def test_another_model_answers(simulator: Build):
    assert json.loads((await faulty(simulator(), "remap=deepseek-v4-pro")).body)["model"] == "deepseek-v4-pro"


async def test_wrong_usage_is_shown_and_the_right_one_charged(simulator: Build):
    one = simulator()
    shown = usage(await faulty(one, "wrong_usage"))
    assert (shown["prompt_tokens"], shown["completion_tokens"], shown["prompt_cache_hit_tokens"]) == (80, 1001, 80)
    assert one.parts.seen[-1].usage == {"prompt": 8, "output": 1, "cache_hit": 0, "reasoning": None}


ASK = [{"role": "user", "content": "get_weather in Paris, as json"}]


@pytest.mark.parametrize(
    ("fault", "fields", "finish", "content"),
    [
        ("empty", {"response_format": {"type": "json_object"}}, "stop", ""),
        ("content_filter=2", {}, "content_filter", "You wrote"),
        ("insufficient_system_resource=2", {}, "insufficient_system_resource", "You wrote"),
        ("dsml", {"tools": [WEATHER]}, "stop", "\n\n<｜DSML｜ calls>"),
    ],
)
async def test_answers_that_are_not_what_was_hoped(simulator: Build, fault, fields, finish, content):
    reply = await faulty(simulator(), fault, messages=ASK, **fields)
    assert json.loads(reply.body)["choices"][0]["finish_reason"] == finish
    assert message(reply)["content"].startswith(content) and bool(message(reply)["content"]) == bool(content)
    assert "tool_calls" not in message(reply)


async def test_truncated_arguments_are_no_json(simulator: Build):
    reply = await faulty(simulator(), "truncated_arguments", messages=ASK, tools=[WEATHER])
    (call,) = message(reply)["tool_calls"]
    assert json.loads(reply.body)["choices"][0]["finish_reason"] == "tool_calls"
    with pytest.raises(ValueError):
        json.loads(call["function"]["arguments"])


# -- leaving -----------------------------------------------------------------------------------------------------------


async def test_a_client_that_leaves_frees_slot_and_brain_and_pays_what_was_said(simulator: Build):
    brain = Slow()
    one = simulator(brain=brain, slots=1)
    left = asyncio.Event()
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True, "thinking": OFF}
    pending = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_message: dict[str, Any]) -> None:
        pass

    headers = [
        (name.encode(), value.encode()) for name, value in (AUTHORIZED | {"content-type": "application/json"}).items()
    ]
    scope = {"type": "http", "method": "POST", "path": "/chat/completions", "headers": headers}
    running = asyncio.create_task(one.simulator(scope, receive, send))
    await brain.begun.acquire()
    left.set()
    await running
    (seen,) = one.parts.seen
    assert (seen.outcome, brain.closed, one.parts.line.taken) == ("left", 1, 0)
    assert seen.usage is not None and seen.usage["output"] == 1
    (account,) = one.parts.accounts.all()
    assert account.open_requests["deepseek-flash"] == 0


# -- what is noted and where the work is done -------------------------------------------------------------------------


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
        await one.post()
    assert (one.parts.seen[-1].outcome, one.parts.seen[-1].status) == ("broken", 500)


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
