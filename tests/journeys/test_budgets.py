"""A thousand requests at once on a budget of one dollar, over real sockets, against the simulator, which counts what it is
owed. What the gateway charged is the same sum, and survives a kill.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import time
from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import tidegate, tidegate_up
from tests.support.simulated import KEY, Simulated, simulated

from tidegate.catalog.prices import price_rows
from tidegate.ledger.reading import count_entries, each_entry

AT_ONCE = 1000
BUDGET = Decimal(1)
MODEL = "deepseek-v4-pro"
CONFIG = """
[embedded]
enabled = false
[probe]
enabled = false
[backends.cloud]
kind = "deepseek"
base_url = "{cloud}"
key_env = "SIM_KEY"
pacing = false
queue = 5000
"""
WORDS = " ".join(f"line {number}: the tide gate lets water out by rule." for number in range(130))


@pytest.fixture(scope="module")
def cloud() -> Generator[Simulated]:
    with simulated(balance=Decimal(100_000)) as made:
        yield made


@pytest.fixture(autouse=True, scope="module")
def many_files() -> Generator[None]:
    """A socket for each request, in the gateway's process too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def created(folder: Path, *options: str) -> dict[str, Any]:
    done = tidegate(folder, "keys", "create", "team", *options, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def asked(port: int, key: str, number: int) -> tuple[int, bytes]:
    """One request over a connection of its own, streamed or not."""
    content = f"{number} {WORDS}"  # its own from the first word, so that nothing of it is cached
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 64,
        "stream": bool(number % 2),
    }
    raw = json.dumps(body | {"thinking": {"type": "disabled"}}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = (
            f"POST /chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        writer.write(head.encode() + raw)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]), answer
    finally:
        writer.close()


def all_at_once(port: int, key: str) -> list[tuple[int, bytes]]:
    async def together() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(asked(port, key, number) for number in range(AT_ONCE)))

    return asyncio.run(together())


def wait_until_written(ledger: Path) -> None:
    """At most the documented time: what arrived within it before a kill is lost."""
    until = time.monotonic() + 20
    while count_entries(ledger) < AT_ONCE:
        assert time.monotonic() < until


def moment() -> tuple[Any, str]:
    """What makes two moments differ: the price, and the day that a budget is of."""
    now = datetime.now(UTC)
    row = next(row for row in price_rows() if row.model == MODEL)
    return row.rates(now), now.strftime("%Y-%m-%d")


def test_a_thousand_requests_at_once_spend_one_dollar_and_no_more_than_one_request_beyond(
    tmp_path: Path, cloud: Simulated
) -> None:
    for attempt in range(2):  # a second time only if the price or the day changed in the middle of the first
        folder = tmp_path / str(attempt)
        folder.mkdir()
        began = moment()
        spend_a_dollar(folder, cloud)
        if moment() == began:
            return
    raise AssertionError("two runs cannot both be in the middle of a change")


def spend_a_dollar(folder: Path, cloud: Simulated) -> None:
    began, owed = moment(), cloud.parts.accounts.of(KEY)
    assert owed is not None
    before = owed.spent
    key = created(folder, "--budget-day", str(BUDGET))
    with tidegate_up(folder, CONFIG.format(cloud=cloud.url), "--no-ask", SIM_KEY=KEY) as running:
        answers = all_at_once(running.port, key["key"])
        statuses = Counter(status for status, _ in answers)
        assert set(statuses) == {200, 402}, statuses
        refusal = next(answer for status, answer in answers if status == 402)
        assert b"budget_usd_per_day" in refusal and b"UTC" in refusal
        wait_until_written(running.state / "ledger.sqlite3")
        assert running.stop(signal.SIGKILL) != 0
    with tidegate_up(folder, CONFIG.format(cloud=cloud.url), "--no-ask", SIM_KEY=KEY) as running:
        assert asyncio.run(asked(running.port, key["key"], AT_ONCE))[0] == 402, "what was spent is known after a kill"
        assert running.stop() == 0
    if moment() != began:
        return
    rows = [entry for entry in each_entry(running.state / "ledger.sqlite3") if entry.key_id == key["id"]]
    charged = [Decimal(entry.charged_usd) for entry in rows if entry.charged_usd]
    spent = owed.spent - before
    assert spent == sum(charged), "the ledger says what the provider says"
    assert BUDGET <= spent <= BUDGET + max(charged)
    assert statuses[200] == len(charged)
    assert len(rows) == AT_ONCE + 1
