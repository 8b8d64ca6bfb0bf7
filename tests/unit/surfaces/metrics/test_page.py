"""GET /metrics as Prometheus reads it, with its own parser as the judge, and summed over processes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from tests.support.asgi import Reply, call

from tidegate.core.errors import GatewayError
from tidegate.core.exchange import Exchange
from tidegate.surfaces.auth import Client, Door
from tidegate.surfaces.metrics import catalogue as known
from tidegate.surfaces.metrics.meter import Meter
from tidegate.surfaces.metrics.page import MetricsPage
from tidegate.surfaces.metrics.state import Reading

READINGS: list[Reading] = [(known.WRITTEN, (), 3.0), (known.IN_FLIGHT, ("home",), 2.0)]


def metered(times: int = 1) -> Meter:
    meter = Meter()
    for _ in range(times):
        meter.note(Exchange("ex_1", "openai_chat", 0.0, client="ann", status=401, duration_s=0.02))
    return meter


def page(meter: Meter | None = None, **more: Any) -> MetricsPage:
    return MetricsPage(more.pop("door", Door({})), meter or metered(), lambda: iter(READINGS), **more)


async def scrape(made: MetricsPage, **headers: str) -> Reply:
    return await call(made.get, "GET", "/metrics", headers=headers)


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {(one.name, *sorted(one.labels.values())): one.value for family in parse(text) for one in family.samples}


async def test_it_is_what_prometheus_reads() -> None:
    reply = await scrape(page(metered(3)))
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = samples(reply.body.decode())
    assert found["tidegate_ledger_written_total",] == 3
    assert found["tidegate_in_flight", "home"] == 2
    assert found["tidegate_requests_total", "", "", "401", "ann", "openai_chat"] == 3
    buckets = {name: value for name, value in found.items() if name[0].endswith("duration_seconds_bucket")}
    assert {value for name, value in buckets.items() if "0.01" in name} == {0}
    assert {value for name, value in buckets.items() if "0.02" in name or "+Inf" in name} == {3}


async def test_each_metric_of_the_catalogue_is_there_with_its_type_even_before_it_counts() -> None:
    reply = await scrape(page(Meter()))
    types = dict(line.split()[2:] for line in reply.body.decode().splitlines() if line.startswith("# TYPE"))
    assert types == {metric.name: metric.kind for metric in known.CATALOGUE}


async def test_openmetrics_for_who_asks_for_it() -> None:
    reply = await scrape(page(), accept="application/openmetrics-text; version=1.0.0")
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(reply.body.decode())} >= {"tidegate_requests"}


async def test_without_the_admins_key_there_is_nothing() -> None:
    made = page(door=Door({"sk-1": Client("ann")}, admin_key="admin-key-0123456789abcdef"))
    with pytest.raises(GatewayError, match="Authentication"):
        await scrape(made)
    with pytest.raises(GatewayError, match="needs the admin key"):
        await scrape(made, authorization="Bearer sk-1")
    assert (await scrape(made, authorization="Bearer admin-key-0123456789abcdef")).status == 200


async def test_other_processes_are_added_where_each_has_its_own() -> None:
    other = page(metered(4))

    async def others() -> list[Any]:
        return [json.loads(json.dumps(await other.dump())) for _ in range(2)]

    found = samples((await scrape(page(metered(1), others=others))).body.decode())
    assert found["tidegate_requests_total", "", "", "401", "ann", "openai_chat"] == 9
    assert found["tidegate_ledger_written_total",] == 9
    assert found["tidegate_in_flight", "home"] == 2, "a lane is one for all processes"
