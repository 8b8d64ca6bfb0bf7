"""GET /metrics: what was counted and what is read now, as Prometheus reads it. The one module that knows prometheus-client.

Read on the event loop, written out in a thread: a long page must not hold up streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from tidegate.asgi import Receive, Scope, Send, header
from tidegate.surfaces.auth import Door
from tidegate.surfaces.metrics.catalogue import OF_A_PROCESS, READ, Metric
from tidegate.surfaces.metrics.meter import Meter
from tidegate.surfaces.metrics.state import Reading
from tidegate.surfaces.metrics.tally import Tally

_INFINITE = "+Inf"


class Others(Protocol):
    """The other processes on this port, where there are any."""

    async def __call__(self) -> Iterable[Any]:
        """What the page of each of them `dump`s."""
        ...


async def _alone() -> Iterable[Any]:
    return ()


class MetricsPage:
    """`read` gives what is so now; `others` what other processes count."""

    def __init__(
        self, door: Door, meter: Meter, read: Callable[[], Iterable[Reading]], others: Others = _alone
    ) -> None:
        self._door = door
        self._meter = meter
        self._read = read
        self._others = others
        self._process = ProcessCollector(registry=None)

    async def get(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self._door.admit_admin(scope)
        families = await self._families()
        encode, kind = choose_encoder(header(scope, b"accept") or "")
        body: bytes = await asyncio.to_thread(lambda: encode(_Collected(families)))
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def dump(self) -> dict[str, Any]:
        """What this process counts, as plain lists and numbers, for the page of another one."""
        own = [(metric.name, labels, value) for metric, labels, value in self._read() if metric in OF_A_PROCESS]
        return {"tally": self._meter.tally.dump(), "own": own}

    async def _families(self) -> list[Any]:
        dumped = list(await self._others())
        tally, readings = self._meter.tally, list(self._read())
        if dumped:
            tally, readings = _summed(tally, readings, dumped)
        return [*counted(tally), *read_now(readings), *self._process.collect()]


def _summed(own: Tally, readings: list[Reading], dumped: list[Any]) -> tuple[Tally, list[Reading]]:
    tally = Tally()
    tally.add(own.dump())
    sums: dict[tuple[str, tuple[str, ...]], float] = {}
    for one in dumped:
        tally.add(one["tally"])
        for name, labels, value in one["own"]:
            key = (str(name), tuple(labels))
            sums[key] = sums.get(key, 0.0) + value
    added = [(metric, labels, value + sums.pop((metric.name, labels), 0.0)) for metric, labels, value in readings]
    named = {metric.name: metric for metric in OF_A_PROCESS}
    return tally, [*added, *((named[name], labels, value) for (name, labels), value in sums.items())]


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
