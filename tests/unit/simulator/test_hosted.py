"""Models and balance, as documented and as the live API adds to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from .conftest import AUTHORIZED, Caller

Build = Callable[..., Caller]


async def test_models_of_the_newest_profile_say_more_than_is_documented(simulator: Build):
    found = await simulator().get("/models")
    assert found["object"] == "list"
    flash, pro = found["data"]
    assert (flash["id"], flash["object"], flash["owned_by"]) == ("deepseek-flash", "model", "deepseek")
    assert (flash["name"], flash["context_window"], flash["max_output_tokens"]) == (
        "DeepSeek-V4.1-Flash",
        1048576,
        393216,
    )
    assert (flash["input_modalities"], pro["input_modalities"]) == (["text", "image"], ["text"])
    assert flash["effort"] == {"supported_levels": ["low", "high", "max"], "default_level": "high"}
    assert "anthropic_messages" in flash["api_capabilities"]


async def test_models_of_older_profiles_are_as_documented(simulator: Build):
    found = await simulator(profile="2026-04-preview").get("/v1/models")
    assert found["data"] == [
        {"id": name, "object": "model", "owned_by": "deepseek"} for name in ("deepseek-v4-flash", "deepseek-v4-pro")
    ]


async def test_one_model_and_none(simulator: Build):
    one = simulator()
    assert (await one.get("/models/deepseek-v4-pro"))["id"] == "deepseek-v4-pro"
    missing = await one.raw("GET", "/models/nope", **AUTHORIZED)
    assert (missing.status, missing.body) == (404, b"")


async def test_the_balance_falls_by_what_was_used(simulator: Build):
    one = simulator(keys={"sk-test-0000": Decimal("1.00")}, currency="CNY")
    before = (await one.get("/user/balance"))["balance_infos"][0]
    assert before == {
        "currency": "CNY",
        "total_balance": "1.00",
        "granted_balance": "0.00",
        "topped_up_balance": "1.00",
    }
    await one.post(messages=[{"role": "user", "content": "x" + " tide" * 20000}])
    assert (await one.get("/user/balance"))["balance_infos"][0]["total_balance"] == "0.97"


@pytest.mark.parametrize("path", ["/models", "/models/deepseek-flash", "/user/balance"])
async def test_all_need_a_key(simulator: Build, path: str):
    one = simulator()
    assert (await one.raw("GET", path)).status == 401
    assert (await one.raw("GET", path, authorization="Bearer nokey")).status == 401


async def test_a_fault_by_header_and_none_of_the_armed(simulator: Build):
    one = simulator()
    await one.raw("POST", "/-/faults", b'{"fault":"500"}')
    assert (await one.raw("GET", "/models", **AUTHORIZED)).status == 200
    assert (await one.raw("GET", "/models", **AUTHORIZED, **{"x-sim-fault": "503=empty"})).status == 503
    for fault in ("slow", "cut=5", "empty", "503, slow"):
        spoilt = await one.raw("GET", "/models", **AUTHORIZED, **{"x-sim-fault": fault})
        assert (spoilt.status, "this path has only statuses to fail with" in spoilt.body.decode()) == (400, True)
    unknown = await one.raw("GET", "/models", **AUTHORIZED, **{"x-sim-fault": "x"})
    assert "there is no fault" in json.loads(unknown.body)["error"]["message"]
    assert (await one.post()).status == 500
