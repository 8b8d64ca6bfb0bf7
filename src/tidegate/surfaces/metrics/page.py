"""GET /metrics: what was counted and what is read now, as Prometheus reads it. The one module that knows prometheus-client.

Read on the event loop, written out in a thread: a long page must not hold up streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from tidegate.asgi import Receive, Scope, Send, header
from tidegate.surfaces.auth import Door
from tidegate.surfaces.metrics.catalogue import READ, Metric
from tidegate.surfaces.metrics.state import Reading
from tidegate.surfaces.metrics.tally import Tally

_INFINITE = "+Inf"


class MetricsPage:
    """`tally` gives what was counted, of all processes where there are several; `read` what is so now."""

    def __init__(self, door: Door, tally: Callable[[], Tally], read: Callable[[], Iterable[Reading]]) -> None:
        self._door = door
        self._tally = tally
        self._read = read
        self._process = ProcessCollector(registry=None)

    async def get(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._door.admit(scope)  # admin: becomes `admit_admin` with the admin key
        families = [*counted(self._tally()), *read_now(self._read())]
        encode, kind = choose_encoder(header(scope, b"accept") or "")
        body: bytes = await asyncio.to_thread(lambda: encode(_Collected([*families, *self._process.collect()])))
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _Collected(CollectorRegistry):
    """Families that were collected already."""

    def __init__(self, families: list[Any]) -> None:
        super().__init__(auto_describe=False)
        self._families = families

    def collect(self) -> Any:
        return iter(self._families)


def counted(tally: Tally) -> list[Any]:
    found: list[Any] = []
    for metric, counters in tally.counters():
        family = _family(metric)
        for labels, value in counters:
            family.add_metric(labels, value)
        found.append(family)
    for metric, histograms in tally.histograms():
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*(f"{bound:g}" if bound < 1e6 else repr(bound) for bound in metric.buckets), _INFINITE]
        for labels, counts, total in histograms:
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
        found.append(family)
    return found


def read_now(readings: Iterable[Reading]) -> list[Any]:
    families = {metric: _family(metric) for metric in READ}
    for metric, labels, value in readings:
        families[metric].add_metric(labels, value)
    return list(families.values())


def _family(metric: Metric) -> Any:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
