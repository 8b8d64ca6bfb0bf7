"""`make leaktest`: plays examples on every core until enough private requests were sent, and says what was seen.

Exit code 1 when a byte leaked, a second wall was needed, or the run was not what it should have been.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.leaks.counting import Counts
from tests.leaks.shares import play
from tests.leaks.world import World


def main() -> int:
    options = _options()
    if options.example is not None:
        counts = asyncio.run(_one(options.seed, options.example))
        return _report(counts, 0.0, 0)
    began = time.monotonic()
    total = Counts()
    for counts in play(options.seed, options.jobs, options.private):
        total.add(counts)
        if sys.stderr.isatty():
            done = min(100, 100 * total.private // options.private)
            print(f"\r{done:3} %  {total.requests} requests, {len(total.leaks)} leaks", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return _report(total, time.monotonic() - began, options.private)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make leaktest", description=__doc__)
    parser.add_argument("--private", type=int, default=100_000, help="how many private requests are sent at least")
    parser.add_argument("--seed", type=int, default=1, help="where the chance begins")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--example", type=int, help="play this one only, as a leak's report names it")
    return parser.parse_args()


async def _one(seed: int, example: int) -> Counts:
    with tempfile.TemporaryDirectory() as folder:
        async with World(Path(folder), seed) as world:
            await world.play(example)
            return world.counts


def _report(counts: Counts, seconds: float, private: int) -> int:
    print(f"{counts.requests} requests in {counts.examples} policies ({counts.refused_policies} refused at the start)")
    print(f"  by class            {dict(counts.classes)}")
    print(f"  private at first    {counts.private}, masked {counts.masked}")
    print(f"  by status           {dict(sorted(counts.statuses.items()))}")
    print(f"  reached the outside {dict(counts.reached)}")
    print(f"  planted             {dict(counts.kinds)}")
    if seconds:
        print(f"  {seconds:.0f} s, {counts.requests / seconds:.0f} requests a second")
    wrong = [f"LEAK {leak}" for leak in counts.leaks[:20]]
    wrong += [f"WALL {wall}" for wall in counts.walls[:20]]
    if counts.walls:
        wrong.append(f"{len(counts.walls)} times a second wall was needed, or something crashed")
    if counts.private < private:
        wrong.append(f"only {counts.private} private requests were sent")
    if private and counts.reached.total() < counts.requests / 20:
        wrong.append("hardly anything reached the outside: this proves nothing")
    print("\n".join(wrong) or "No planted value reached a server that may not have it.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
