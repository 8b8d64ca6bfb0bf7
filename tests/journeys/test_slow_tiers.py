"""The slow tiers in a whole gateway, with real workers: a name keeps a request at home, and a worker that dies does too."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call

from tidegate.app import App
from tidegate.app.detection import slow_look_of
from tidegate.config import parse_config

CONFIG: dict[str, Any] = {
    "embedded": {"enabled": False},
    "probe": {"enabled": False},
    "privacy": {"names": ["zh"]},
    "backends": {"cloud": {"kind": "fake", "boundary": "external"}, "home": {"kind": "fake"}},
}
NAME, PLAIN = "请联系王小明处理这件事。", "今天天气很好，我们去公园吧。"


@asynccontextmanager
async def gateway(folder: Path, **more: Any) -> AsyncGenerator[App]:
    config = parse_config({**CONFIG, **more})
    slow = slow_look_of(config.privacy, folder, lambda _line: None)
    async with App(config, {}, folder, None, slow) as app:
        yield app


async def ask(app: App, text: str) -> Reply:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return await call(app.asgi, "POST", "/chat/completions", json.dumps(body).encode())


async def test_a_name_keeps_a_request_at_home_and_the_rest_leaves(tmp_path: Path) -> None:
    async with gateway(tmp_path) as app:
        named, plain = await ask(app, NAME), await ask(app, PLAIN)
    assert (named.headers["x-tidegate-backend"], named.headers["x-tidegate-found"]) == ("home", "SEN085")
    assert (plain.headers["x-tidegate-backend"], plain.headers.get("x-tidegate-found")) == ("cloud", None)


async def test_a_name_may_leave_masked(tmp_path: Path) -> None:
    rows = [{"name": "names", "found": ["name"], "action": "mask"}]
    async with gateway(tmp_path, policy=rows) as app:
        masked = await ask(app, NAME)
    assert (masked.headers["x-tidegate-backend"], masked.headers["x-tidegate-masked"]) == ("cloud", "yes")


async def test_a_worker_that_dies_keeps_a_request_at_home_and_the_next_one_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(tmp_path) as app:
        assert app.slow is not None
        pool = app.slow._pool
        run = pool.run

        async def killing(*given: Any) -> Any:
            assert pool.pids
            for pid in pool.pids:
                os.kill(pid, signal.SIGKILL)
            return await run(*given)

        monkeypatch.setattr(pool, "run", killing)
        killed = await ask(app, PLAIN)
        monkeypatch.setattr(pool, "run", run)
        again = await ask(app, PLAIN)
    assert (killed.headers["x-tidegate-backend"], killed.headers["x-tidegate-found"]) == ("home", "SEN096")
    assert again.headers["x-tidegate-backend"] == "cloud"


async def test_one_that_cannot_look_in_time_keeps_a_request_at_home(tmp_path: Path) -> None:
    async with gateway(tmp_path, privacy={"names": ["zh"], "slow_budget_s": 0.000001}) as app:
        late = await ask(app, PLAIN * 200)
    assert late.headers["x-tidegate-backend"] == "home"
    assert late.headers["x-tidegate-found"] in ("SEN096", "SEN097")
