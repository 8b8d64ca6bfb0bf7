"""The page of a whole gateway: what the catalogue says, what the scrape shows and what the reference says are the same."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from tests.support.asgi import call
from tests.support.samples import request_body

from tidegate.app import App
from tidegate.app.watch.metering import spent_today_usd
from tidegate.config import parse_config
from tidegate.surfaces.metrics.catalogue import CATALOGUE

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "metrics.md"
WRITTEN = {
    "embedded": {"enabled": False},
    "probe": {"enabled": False},
    "backends": {"home": {"kind": "fake"}},
}


async def test_catalogue_scrape_and_reference_agree(tmp_path: Path) -> None:
    async with App(parse_config(WRITTEN), {}, tmp_path, None) as running:
        await call(running.asgi, "POST", "/chat/completions", request_body())
        text = (await call(running.asgi, "GET", "/metrics")).body.decode()
    wanted = {metric.name: metric.kind for metric in CATALOGUE}
    assert dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE")) == wanted
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == wanted
    for metric in CATALOGUE:
        for labels in re.findall(rf"^{metric.name}(?:_bucket|_sum|_count)?\{{(.*)\}} ", text, re.MULTILINE):
            assert {name for name in re.findall(r"(\w+)=\"", labels)} - {"le"} == {*metric.labels}, metric.name
    assert re.search(r'^tidegate_requests_total\{.*data_class="public".*\} 1\.0$', text, re.MULTILINE)
    assert "gen_ai_server_request_duration_seconds_count{" in text


async def test_a_scrape_holds_no_content_and_no_made_up_name(tmp_path: Path) -> None:
    async with App(parse_config(WRITTEN), {}, tmp_path, None) as running:
        for model in ("auto", "canary-model", "home/canary-model", "nobody/canary-model"):
            await call(running.asgi, "POST", "/chat/completions", request_body(model=model))
        await call(running.asgi, "POST", "/canary-path", b"canary")
        await call(running.asgi, "POST", "/chat/completions", b"canary", {"x-tidegate-class": "canary"})
        text = (await call(running.asgi, "GET", "/metrics")).body.decode()
    assert 'gen_ai_request_model="other"' in text
    assert "canary" not in text


async def test_only_get_is_for_it_and_the_status_holds_what_the_watch_sees(tmp_path: Path) -> None:
    async with App(parse_config(WRITTEN), {}, tmp_path, None) as running:
        assert (await call(running.asgi, "POST", "/metrics")).status == 405
        await running.kept.watch.look()
        await call(running.asgi, "POST", "/chat/completions", request_body())
        status = json.loads((await call(running.asgi, "GET", "/-/status")).body)
    assert status["history"]["backends"]["home"]["asked"][-1] == 1
    assert status["balance"] is None
    assert status["alerts"] == {"receivers": 0, "sent": 0, "lost": 0, "waiting": 0, "last": []}


async def test_counts_go_on_over_a_change_of_the_configuration(tmp_path: Path) -> None:
    first = App(parse_config(WRITTEN), {}, tmp_path, None)
    await first.start()
    await call(first.asgi, "POST", "/chat/completions", request_body())
    second = App(parse_config(WRITTEN), {}, tmp_path, None, before=first)
    await second.make_ready(first)
    second.begin()
    await call(second.asgi, "POST", "/chat/completions", request_body())
    text = (await call(second.asgi, "GET", "/metrics")).body.decode()
    await second.stop()
    await first.retire(second)
    assert re.search(r'^tidegate_requests_total\{.*data_class="public".*\} 2\.0$', text, re.MULTILINE)
    assert "tidegate_config_generation 2.0" in text


async def test_spend_begins_with_what_the_ledger_says_of_today(tmp_path: Path) -> None:
    app = App(parse_config(WRITTEN), {}, tmp_path, None)
    await app.start()
    await call(app.asgi, "POST", "/chat/completions", request_body())
    await app.stop()
    assert spent_today_usd(app.ledger.path) == 0

    with closing(sqlite3.connect(app.ledger.path)) as file, file:
        file.execute("UPDATE exchanges SET cost_usd = '0.00000012', arrived_at = ?", (time.time(),))
    assert spent_today_usd(app.ledger.path) == Decimal("0.00000012")
