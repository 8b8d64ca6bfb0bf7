"""What a test or a person can see and change while the simulator runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.core.errors import ClientMistake
from tidegate.simulator.admin import read_time

from .conftest import Caller

Build = Callable[..., Caller]


async def ask(one: Caller, method: str, path: str, order: Any = None) -> tuple[int, Any]:
    reply = await one.raw(method, path, b"" if order is None else json.dumps(order).encode())
    return reply.status, json.loads(reply.body)


async def test_it_is_there_and_says_which_profile(simulator: Build):
    assert await ask(simulator(), "GET", "/-/health") == (200, {"ok": True, "profile": "2026-09-v41"})


async def test_the_state_and_the_requests_can_be_seen_and_forgotten(simulator: Build):
    one = simulator()
    await one.post()
    _, state = await ask(one, "GET", "/-/state")
    assert (state["now"], state["requests"], state["line"]) == (
        "2026-11-24T12:00:00+00:00",
        1,
        {"taken": 0, "waiting": 0},
    )
    (account,) = state["accounts"]
    assert (account["key"], account["spent"], account["open_requests"]) == (
        "sk-...0000",
        "0.0000018",
        {"deepseek-flash": 0},
    )
    _, seen = await ask(one, "GET", "/-/requests")
    assert (seen["requests"][0]["body"]["model"], seen["requests"][0]["cost"]) == ("deepseek-flash", "0.0000018")
    assert await ask(one, "DELETE", "/-/requests") == (200, {"requests": []})
    assert not one.parts.seen


async def test_faults_are_armed_listed_and_cleared(simulator: Build):
    one = simulator()
    armed = {"armed": [{"fault": "503=hosted, slow=20", "times": 3}]}
    assert await ask(one, "POST", "/-/faults", {"fault": "503, slow", "times": 3}) == (200, armed)
    assert await ask(one, "GET", "/-/faults") == (200, armed)
    assert await ask(one, "DELETE", "/-/faults") == (200, {"armed": []})


async def test_the_clock_can_be_set_and_moved(simulator: Build):
    one = simulator()
    _, found = await ask(one, "POST", "/-/clock", {"at": "2026-08-22T02:30:00Z"})
    assert found == {"now": "2026-08-22T02:30:00+00:00", "time_scale": 1.0}
    _, found = await ask(one, "POST", "/-/clock", {"advance_s": 90})
    assert found["now"] == (await ask(one, "GET", "/-/clock"))[1]["now"] == "2026-08-22T02:31:30+00:00"


async def test_an_account_can_be_filled_and_the_cache_emptied(simulator: Build):
    one = simulator()
    _, account = await ask(one, "POST", "/-/accounts", {"key": "sk-test-0000", "balance": "0.5", "granted": 1})
    assert (account["balance"], account["granted"]) == ("1.5", "1")
    await one.post(messages=[{"role": "user", "content": "x" + " tide" * 500}])
    assert len(one.parts.cache) == 2  # the end of the input and the end of the output
    await ask(one, "DELETE", "/-/cache")
    assert len(one.parts.cache) == 0


@pytest.mark.parametrize(
    ("method", "path", "order", "says"),
    [
        ("POST", "/-/faults", {}, "fault: expected a text"),
        ("POST", "/-/faults", {"fault": ","}, "fault: expected the name of a fault"),
        ("POST", "/-/faults", {"fault": "418"}, "there is no fault '418'"),
        ("POST", "/-/faults", {"fault": "503", "times": 0}, "times: expected a whole number from 1 on"),
        ("POST", "/-/faults", {"fault": "503", "times": True}, "times: expected a whole number from 1 on"),
        ("POST", "/-/faults", [], "expected a JSON object"),
        ("POST", "/-/clock", {}, "expected `at`"),
        ("POST", "/-/clock", {"at": "noon"}, "at: expected a time such as"),
        ("POST", "/-/accounts", {"key": "k", "balance": "much"}, "balance: expected an amount"),
        ("POST", "/-/accounts", {"key": "k"}, "balance: expected an amount"),
        ("POST", "/-/accounts", {"balance": 1}, "key: expected a text"),
        ("POST", "/-/faults", {"fault": "503", "times": 10**9}, "times: expected a whole number from 1 on, below"),
        ("POST", "/-/clock", {"advance_s": True}, "expected `at`"),
        ("POST", "/-/clock", {"advance_s": 1e300}, "advance_s: expected a time from 2000 on and before 2200"),
        ("POST", "/-/clock", {"advance_s": 10**18}, "advance_s: expected a time"),
        ("POST", "/-/clock", {"advance_s": -1e11}, "advance_s: expected a time"),
        ("POST", "/-/clock", {"at": "9999-12-31T23:59:59Z"}, "at: expected a time from 2000"),
        ("POST", "/-/clock", {"at": "9999-12-31T23:59:59-14:00"}, "at: expected a time from 2000"),
        ("POST", "/-/clock", {"at": "0001-01-01T00:00:00+14:00"}, "at: expected a time from 2000"),
        ("POST", "/-/accounts", {"key": "k", "balance": 1e300}, "balance: expected an amount"),
        ("POST", "/-/accounts", {"key": "k", "balance": "1e999999"}, "balance: expected an amount"),
        ("POST", "/-/accounts", {"key": "k", "balance": "1", "granted": "-1"}, "granted: expected an amount"),
        ("GET", "/-/requests?limit=0", None, "limit: expected a whole number from 1 to 1000"),
        ("GET", "/-/requests?limit=1001", None, "limit: expected a whole number from 1 to 1000"),
        ("GET", "/-/requests?limit=x", None, "limit: expected a whole number from 1 to 1000"),
    ],
)
async def test_a_wrong_order_says_what_is_right(simulator: Build, method, path, order, says):
    status, found = await ask(simulator(), method, path, order)
    assert (status, says in found["error"]["message"]) == (400, True), found


async def test_what_is_not_there_is_404_and_a_wrong_method_405(simulator: Build):
    status, found = await ask(simulator(), "GET", "/-/nothing")
    assert (status, "The simulator has GET /-/health, " in found["error"]["message"]) == (404, True)
    status, found = await ask(simulator(), "PUT", "/-/faults")
    assert (status, found["error"]["message"]) == (405, "This path takes GET, POST, DELETE")


async def test_the_clock_at_its_end_stands_and_requests_are_still_answered(simulator: Build):
    one = simulator()
    assert (await ask(one, "POST", "/-/clock", {"at": "2199-12-31T23:59:59Z"}))[0] == 200
    one.parts.clock._hand_s += 1e12
    assert (await ask(one, "GET", "/-/clock"))[1]["now"].startswith("2200-01-01")
    assert (await one.post()).status == 200
    assert (await ask(one, "POST", "/-/clock", {"at": "2000-01-01T00:00:00Z"}))[0] == 200
    assert (await one.post()).status == 200


async def test_the_newest_requests_are_shown_a_hundred_unless_more_are_asked_for(simulator: Build):
    one = simulator()
    for _ in range(120):
        await one.raw("GET", "/models")
    await one.post()
    assert len((await ask(one, "GET", "/-/requests"))[1]["requests"]) == 100
    assert len((await ask(one, "GET", "/-/requests?limit=1000"))[1]["requests"]) == 121
    (last,) = (await ask(one, "GET", "/-/requests?limit=1"))[1]["requests"]
    assert (last["path"], "output_ids" in last) == ("/chat/completions", False)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4242", "192.168.1.5:4242"])
async def test_a_page_with_a_name_of_its_own_is_kept_out(simulator: Build, host: str):
    one = simulator()
    for path in ("/-/requests", "/-/state"):
        assert (await one.raw("GET", path, host=host)).status == 403
    reply = await one.raw("POST", "/-/faults", b'{"fault":"503"}', host=host)
    assert (reply.status, b"send `Host: localhost`" in reply.body, one.parts.faults.armed) == (403, True, [])
    assert (await one.raw("GET", "/-/health", host=host)).status == 200


async def test_an_order_is_json(simulator: Build):
    reply = await simulator().raw(
        "POST", "/-/faults", b"fault=503", **{"content-type": "application/x-www-form-urlencoded"}
    )
    assert reply.status == 415


def test_a_time_without_an_offset_is_utc():
    assert read_time("2026-11-24T02:30", "at") == datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    assert read_time("2026-11-24T10:30+08:00", "at") == datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    with pytest.raises(ClientMistake, match="not 'soon'"):
        read_time("soon", "at")
