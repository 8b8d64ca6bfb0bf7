"""Figures of the relay benchmark: summaries per target, ratios paired by round, and the Markdown tables.

Works on recorded runs only. It must not start, measure or stop anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

DIRECT = "direct"
PAIRS = (("tidegate", "nginx"), ("tidegate", "vllm-router"), ("vllm-router", "nginx"))
Kind = Literal["lower", "higher", "added"]


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario against one target in one round."""

    round: int
    target: str
    scenario: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A column: which value of which scenario, and whether it counts as it is or as the excess over direct."""

    title: str
    scenario: str
    value: str
    kind: Kind
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    best: float
    median: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a target besides its runs."""

    version: str
    ready_seconds: float
    memory: dict[str, tuple[float, float]]


REQUESTS = (
    Metric("added latency p50 µs, c=1", "one", "latency_p50_us", "added"),
    Metric("added latency p99 µs, c=1", "one", "latency_p99_us", "added"),
    Metric("CPU µs/request, c=32", "many", "cpu_us_per_request", "lower", 1),
    Metric("requests/s, c=32", "many", "requests_per_s", "higher"),
    Metric("core in use %, c=32", "many", "core_percent", "higher"),
)
STREAMS = (
    Metric("added TTFT p50 µs, 1 stream", "stream1", "ttft_p50_us", "added"),
    Metric("added TTFT p50 µs, 32", "stream32", "ttft_p50_us", "added"),
    Metric("CPU µs/chunk, 1 @1 ms", "stream1", "cpu_us_per_chunk", "lower", 1),
    Metric("CPU µs/chunk, 32 @20 ms", "stream32", "cpu_us_per_chunk", "lower", 1),
    Metric("CPU µs/chunk, 256 @5 ms", "stream256", "cpu_us_per_chunk", "lower", 1),
    Metric("CPU µs/chunk, 256 @20 ms", "paced256", "cpu_us_per_chunk", "lower", 1),
    Metric("chunks/s, 256 @5 ms", "stream256", "chunks_per_s", "higher"),
)
DELAYS = (
    Metric("chunk delay p50 µs over direct, 32 @20 ms", "stream32", "delay_p50_us", "added"),
    Metric("p99, 32 @20 ms", "stream32", "delay_p99_us", "added"),
    Metric("p50, 256 @20 ms", "paced256", "delay_p50_us", "added"),
    Metric("p99, 256 @20 ms", "paced256", "delay_p99_us", "added"),
    Metric("p50, 256 @5 ms", "stream256", "delay_p50_us", "added"),
    Metric("p99, 256 @5 ms", "stream256", "delay_p99_us", "added"),
)
RATIOS = (
    Metric("CPU/request, c=32", "many", "cpu_us_per_request", "lower"),
    Metric("requests/s, c=32", "many", "requests_per_s", "higher"),
    Metric("latency p50, c=1", "one", "latency_p50_us", "lower"),
    Metric("CPU/chunk, 32 @20 ms", "stream32", "cpu_us_per_chunk", "lower"),
    Metric("CPU/chunk, 256 @5 ms", "stream256", "cpu_us_per_chunk", "lower"),
    Metric("CPU/chunk, 256 @20 ms", "paced256", "cpu_us_per_chunk", "lower"),
)


def series(runs: Sequence[Run], target: str, scenario: str, value: str) -> dict[int, float]:
    """One value of one scenario by round."""
    return {
        run.round: run.values[value]
        for run in runs
        if run.target == target and run.scenario == scenario and value in run.values
    }


def summary(runs: Sequence[Run], target: str, metric: Metric) -> Summary | None:
    """Best and median. For an excess over direct: best less best, and the median of the differences by round."""
    own = series(runs, target, metric.scenario, metric.value)
    if not own:
        return None
    if metric.kind != "added":
        best = min(own.values()) if metric.kind == "lower" else max(own.values())
        return Summary(best, median(own.values()))
    base = series(runs, DIRECT, metric.scenario, metric.value)
    excess = [value - base[number] for number, value in own.items() if number in base]
    return Summary(min(own.values()) - min(base.values()), median(excess)) if excess else None


def ratios(runs: Sequence[Run], subject: str, base: str, metric: Metric) -> list[float]:
    """Subject over base, for every round in which both ran."""
    own = series(runs, subject, metric.scenario, metric.value)
    other = series(runs, base, metric.scenario, metric.value)
    return sorted(own[number] / other[number] for number in own if other.get(number))


def count(runs: Sequence[Run], target: str, value: str) -> int:
    """Sum of a counter over all runs of a target."""
    return round(sum(run.values.get(value, 0.0) for run in runs if run.target == target))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _metric_table(runs: Sequence[Run], names: Sequence[str], metrics: Sequence[Metric], fault: str = "") -> list[str]:
    rows: list[list[str]] = []
    for name in names:
        row = [name]
        for metric in metrics:
            found = summary(runs, name, metric)
            row.append(f"{found.best:,.{metric.digits}f} / {found.median:,.{metric.digits}f}" if found else "–")
        rows.append([*row, str(count(runs, name, fault))] if fault else row)
    head = ["target", *(metric.title for metric in metrics)]
    return _table([*head, {"errors": "failed requests", "lost": "broken streams"}[fault]] if fault else head, rows)


def _direct_line(runs: Sequence[Run]) -> str:
    """The baseline in absolute numbers: what load and mock do without a relay, on one shared core."""

    def middle(scenario: str, value: str) -> float:
        values = series(runs, DIRECT, scenario, value).values()
        return median(values) if values else 0.0

    return (
        f"Direct, without a relay (medians): {middle('many', 'requests_per_s'):,.0f} requests/s at c=32, "
        f"latency p50 {middle('one', 'latency_p50_us'):,.0f} µs and p99 {middle('one', 'latency_p99_us'):,.0f} µs at "
        f"c=1, TTFT p50 {middle('stream1', 'ttft_p50_us'):,.0f} µs, "
        f"{middle('stream256', 'chunks_per_s'):,.0f} chunks/s at 256 @5 ms, "
        f"chunk delay p50 {middle('stream256', 'delay_p50_us'):,.0f} µs and "
        f"p99 {middle('stream256', 'delay_p99_us'):,.0f} µs there."
    )


def _memory_table(facts: dict[str, Facts]) -> list[str]:
    rows: list[list[str]] = []
    for name, fact in facts.items():
        row = [name, fact.version, f"{fact.ready_seconds:.2f}"]
        for moment in ("start", "end"):
            whole, largest = fact.memory.get(moment, (0.0, 0.0))
            row += [f"{whole:.0f}" if whole else "–", f"{largest:.0f}" if largest else "–"]
        rows.append(row)
    head = ["target", "version", "exec to first 200 (s)", "RSS at start (MB)", "largest process alone"]
    return _table([*head, "RSS after the runs (MB)", "largest process alone"], rows)


def _ratio_table(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    rows: list[list[str]] = []
    for subject, base in PAIRS:
        if subject not in names or base not in names:
            continue
        row = [f"{subject} / {base}"]
        for metric in RATIOS:
            found = ratios(runs, subject, base, metric)
            row.append(f"{found[0]:.2f} / {median(found):.2f} / {found[-1]:.2f}" if found else "–")
        rows.append(row)
    return _table(["ratio, min / median / max", *(metric.title for metric in RATIOS)], rows) if rows else []


def markdown(heading: Sequence[str], runs: Sequence[Run], facts: dict[str, Facts]) -> str:
    """The whole report. Cells are best / median over the rounds."""
    names = list(facts)
    lines = [*heading, _direct_line(runs), ""]
    lines += ["Requests without streaming (400 B prompt, 1.85 KB answer), best / median:", ""]
    lines += _metric_table(runs, names, REQUESTS, "errors")
    lines += ["Streams of 100 chunks, best / median:", "", *_metric_table(runs, names, STREAMS, "lost")]
    lines += ["Forwarding delay of a chunk, best / median:", "", *_metric_table(runs, names, DELAYS)]
    lines += ["Start and memory:", "", *_memory_table(facts)]
    paired = _ratio_table(runs, names)
    lines += ["Ratios, paired by round:", "", *paired] if paired else []
    return "\n".join(lines)


def ratio_figures(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, float]]]:
    """The paired ratios for the JSON file."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for subject, base in PAIRS:
        for metric in RATIOS:
            found = ratios(runs, subject, base, metric)
            if found:
                entry = {"min": found[0], "median": median(found), "max": found[-1]}
                figures.setdefault(f"{subject}/{base}", {})[f"{metric.scenario}.{metric.value}"] = entry
    return figures
