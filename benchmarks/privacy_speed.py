"""How long detection takes: CPU time per 1,000 characters, for `privacy.py`.

Every round visits all detectors, texts and sizes in random order, so that a machine that is busy for a while is busy
for all. A cell is the least of several calls, and of those the median over the rounds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from privacy_texts import filled

SLOW_S = 1.0
"""A call that takes longer is made once per round."""


@dataclass(frozen=True, slots=True)
class Cell:
    target: str
    text: str
    size: int


def _once(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


def least(call: Callable[[], object], calls: int, least_s: float = 0.02) -> float:
    """Seconds of CPU time of the fastest of some calls; short ones are repeated, as the clock is coarse."""
    first = _once(call)
    if first > SLOW_S:
        return first
    repeat = max(1, int(least_s / max(first, 1e-6)))
    if repeat == 1:
        return min(first, *(_once(call) for _ in range(calls - 1)))

    def many() -> None:
        for _ in range(repeat):
            call()

    return min(_once(many) for _ in range(calls)) / repeat


def run(
    scans: Mapping[str, Callable[[str], object]],
    texts: Mapping[str, str],
    sizes: Mapping[str, Sequence[int]],
    rounds: int,
    calls: int,
    say: Callable[[str], None],
) -> dict[Cell, float]:
    """Milliseconds per 1,000 characters; `sizes` says for each detector how long its texts may be."""
    cells = [Cell(target, name, size) for target in scans for name in texts for size in sizes[target]]
    prepared = {(cell.text, cell.size): filled(texts[cell.text], cell.size) for cell in cells}
    shuffle = random.Random(11)
    taken: dict[Cell, list[float]] = {cell: [] for cell in cells}
    for number in range(1, rounds + 1):
        for cell in shuffle.sample(cells, len(cells)):
            scan, text = scans[cell.target], prepared[cell.text, cell.size]
            taken[cell].append(least(lambda scan=scan, text=text: scan(text), calls) * 1e6 / cell.size)
        say(f"speed: round {number}/{rounds}")
    return {cell: median(values) for cell, values in taken.items()}


def markdown(figures: Mapping[Cell, float]) -> str:
    targets = list(dict.fromkeys(cell.target for cell in figures))
    texts = list(dict.fromkeys(cell.text for cell in figures))
    sizes = sorted({cell.size for cell in figures})
    head = ["text", "detector", *(f"{size:,} characters" for size in sizes)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for text in texts:
        for target in targets:
            row = [figures.get(Cell(target, text, size)) for size in sizes]
            lines.append(
                "| " + " | ".join([text, target, *(f"{ms:.4f}" if ms is not None else "–" for ms in row)]) + " |"
            )
    return "\n".join([*lines, ""])
