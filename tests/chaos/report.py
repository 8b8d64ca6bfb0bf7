"""What a run showed, as text and as JSON, and whether it is what was promised."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.chaos.books import Books
from tests.chaos.run import Played
from tests.chaos.weather import MIB, Weather

MOST_GROWTH = 0.05
_WARM_UP = 0.2
_SHORTEST_S = 240.0
"""A shorter run says nothing of memory: caches still fill."""
_HEIGHT, _WIDTH = 8, 72
_MOST_SHOWN = 40


def thirds(memory: list[tuple[float, int]]) -> tuple[float, float]:
    """The medians of the first and the last third, once it is warm."""
    bytes_held = [held for _, held in memory[int(len(memory) * _WARM_UP) :]]
    third = max(1, len(bytes_held) // 3)
    return median(bytes_held[:third]), median(bytes_held[-third:])


def growth(memory: list[tuple[float, int]]) -> float:
    first, last = thirds(memory)
    return last / first - 1


def report_of(
    played: Played, weather: Weather, books: Books, stopped: list[str], options: dict[str, Any]
) -> dict[str, Any]:
    """`stopped` is what was wrong about how the gateway ended."""
    grown = growth(weather.memory)
    judged = played.seconds >= _SHORTEST_S
    wrong = [*played.wrong, *books.wrong, *stopped]
    if judged and grown > MOST_GROWTH:
        wrong.append(f"memory grew by {grown:.1%}, allowed are {MOST_GROWTH:.0%}")
    return {
        "options": options,
        "seconds": round(played.seconds, 1),
        "requests": len(played.outcomes),
        "most_open": played.most_open,
        "clients": dict(played.verdicts),
        "manners": dict(played.manners),
        "rows": books.rows,
        "statuses": dict(books.statuses.most_common()),
        "sent": dict(books.sent),
        "seen": dict(books.seen),
        "money": {
            "answers": books.paid_answers,
            "ledger_usd": str(books.ledger_usd),
            "charged_usd": str(books.charged_usd),
            "unanswered_usd": str(books.unanswered_usd),
            "at_price_edge": books.at_price_edge,
        },
        "weather": dict(sorted(weather.happened.items())),
        "memory": {
            "judged": judged,
            "first_mib": round(thirds(weather.memory)[0] / MIB, 1),
            "last_mib": round(thirds(weather.memory)[1] / MIB, 1),
            "growth": round(grown, 4),
            "series": [[round(at, 1), held] for at, held in weather.memory],
        },
        "wrong": wrong,
    }


def as_text(report: dict[str, Any]) -> str:
    memory, money, wrong = report["memory"], report["money"], report["wrong"]
    killed = sum(times for name, times in report["weather"].items() if name.endswith("killed"))
    frozen = sum(times for name, times in report["weather"].items() if name.endswith("frozen"))
    faults = sum(times for name, times in report["weather"].items() if name.startswith("fault"))
    judged = "" if memory["judged"] else " (too short a run to be judged)"
    lines = [
        f"{report['requests']} requests in {report['seconds']:.0f} s, {report['most_open']} at the same time",
        f"  clients   {_counts(report['clients'])}",
        f"  manners   {_counts(report['manners'])}",
        f"  weather   {faults} faults armed, {killed} runtimes killed, {frozen} frozen",
        f"  ledger    {report['rows']} rows: {_counts(report['statuses'])}",
        f"  sent      {_counts(report['sent'])}",
        f"  seen      {_counts(report['seen'])}",
        f"  money     {money['answers']} answers: booked {money['ledger_usd']}, charged {money['charged_usd']} USD; "
        f"for answers nobody got whole: {money['unanswered_usd']} USD",
        f"  memory    {memory['first_mib']} MiB, then {memory['last_mib']} MiB: {memory['growth']:+.1%}{judged}",
        *plot(memory["series"]),
    ]
    lines += [f"WRONG {one}" for one in wrong[:_MOST_SHOWN]]
    if len(wrong) > _MOST_SHOWN:
        lines.append(f"WRONG and {len(wrong) - _MOST_SHOWN} more")
    return "\n".join(lines if wrong else [*lines, "Nothing was lost, doubled, mixed up or left without an answer."])


def plot(series: list[list[float]]) -> list[str]:
    """Memory over time, as columns of characters; the scale begins at zero, so that flat looks flat."""
    if not series:
        return []
    columns = min(_WIDTH, len(series))
    held = [
        median(one for _, one in series[len(series) * at // columns : len(series) * (at + 1) // columns])
        for at in range(columns)
    ]
    top = max(*held, 1)
    rows = [
        "".join("#" if one / top * _HEIGHT > height else " " for one in held) for height in range(_HEIGHT - 1, -1, -1)
    ]
    labels = [f"{top / MIB:6.0f} MiB", *[" " * 10] * (_HEIGHT - 2), "     0 MiB"]
    return [f"  {label} |{row}" for label, row in zip(labels, rows, strict=True)] + [
        f"  {' ' * 10} +{'-' * columns} {series[-1][0]:.0f} s"
    ]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counts.items())
