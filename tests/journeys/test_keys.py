"""A team gets a key, uses it and loses it while the gateway runs; and no key is in anything that the gateway says or writes."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import Running, tidegate, tidegate_up
from tests.support.simulated import KEY, simulated

ADMIN_KEY = "admin-canary-4f1c97d2e8b05a63"
TEAM_KEY = "team-canary-90b3d5f7a1c2e4d6"
WRONG_KEY = "tg_wrong-canary-5d8e2f4a6b1c3907"
CONFIG = """
[embedded]
enabled = false
[probe]
enabled = false
[server]
admin_key_env = "ADMIN_KEY"
[backends.cloud]
kind = "deepseek"
base_url = "{cloud}"
key_env = "SIM_KEY"
[[clients]]
name = "configured"
key_env = "TEAM_KEY"
"""
HELLO = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16}


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Running]:
    with (
        simulated() as cloud,
        tidegate_up(
            tmp_path, CONFIG.format(cloud=cloud.url), "--no-ask", SIM_KEY=KEY, ADMIN_KEY=ADMIN_KEY, TEAM_KEY=TEAM_KEY
        ) as running,
    ):
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def command(folder: Path, *words: str) -> Any:
    done = tidegate(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_works_at_once_is_shown_nowhere_again_and_is_refused_soon_after_it_is_revoked(
    gateway: Running, tmp_path: Path
) -> None:
    assert gateway.post(HELLO)[0] == 401
    assert gateway.post(HELLO, bearer(TEAM_KEY))[0] == 200
    made = command(tmp_path, "keys", "create", "reports", "--model", "deepseek-flash", "--budget-day", "5")
    key = made["key"]
    assert gateway.post(HELLO, bearer(key))[0] == 200
    own = gateway.headers["x-tidegate-exchange"]
    assert gateway.post({**HELLO, "model": "auto"}, bearer(key))[0] == 403
    assert [one["id"] for one in gateway.get("/models", bearer(key))[1]["data"]] == ["deepseek-flash"]
    assert gateway.post(HELLO, bearer(WRONG_KEY))[0] == 401

    said = [gateway.get(path, bearer(key)) for path in ("/-/status", "/-/keys", f"/-/exchanges/{own}")]
    assert [status for status, _ in said] == [403, 403, 200]
    assert gateway.get(f"/-/exchanges/{own}", bearer(TEAM_KEY))[0] == 404
    said += [gateway.get(path, bearer(ADMIN_KEY)) for path in ("/-/status", "/-/keys", f"/-/exchanges/{own}")]
    assert [status for status, _ in said[3:]] == [200, 200, 200]
    assert said[5][1]["key_id"] == made["id"] and said[5][1]["charged_usd"] == said[5][1]["cost_usd"] is not None

    command(tmp_path, "keys", "revoke", "reports")
    until = time.monotonic() + 5
    while gateway.post(HELLO, bearer(key))[0] != 401:
        assert time.monotonic() < until
    assert gateway.post(HELLO, bearer(TEAM_KEY))[0] == 200
    listed = command(tmp_path, "keys", "list")
    assert gateway.stop() == 0
    written = b"".join(file.read_bytes() for file in gateway.state.rglob("*") if file.is_file())
    told = json.dumps([said, listed]) + gateway.output
    assert "reports" in told and b"reports" in written
    for secret in (key, ADMIN_KEY, TEAM_KEY, WRONG_KEY, KEY):
        assert secret not in told
        assert secret.encode() not in written


def test_status_takes_the_admins_key_from_its_variable(gateway: Running, tmp_path: Path) -> None:
    done = tidegate(tmp_path, "status", "--url", gateway.url, TIDEGATE_ADMIN_KEY=ADMIN_KEY)
    assert (done.returncode, "keys required" in done.stdout) == (0, True)
    done = tidegate(tmp_path, "status", "--url", gateway.url, TIDEGATE_KEY=TEAM_KEY)
    assert (done.returncode, "needs the admin key" in done.stderr) == (1, True)
    assert TEAM_KEY not in done.stderr
