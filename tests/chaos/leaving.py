"""`python -m tests.chaos.leaving`: how long a backend still works for a client that has left, at each moment and in each way.

From the client's system call to the end of the connection at the backend. Exit code 1 if it ever takes 100 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import product
from pathlib import Path
from statistics import median

from tests.support.leaving import CONFIG, MOMENTS, PATIENCE_S, WAYS, WIRES, Client, Left, Moment, Way, Wire
from tests.support.process import Running, tidegate_up
from tests.support.upstreams import served

MOST_S = 0.1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.leaving", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how often each case is measured")
    times = parser.parse_args().times
    upstream = Left()
    found: dict[str, list[float]] = {}
    with served(upstream), tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(url=upstream.url)
        with tidegate_up(Path(folder), config, "--no-embedded") as gateway:
            for wire, stream, moment, way in product(WIRES, (True, False), MOMENTS, WAYS):
                case = f"{wire:8} {'streamed' if stream else 'whole':8} {moment:21} {way}"
                found[case] = [measure(gateway, upstream, wire, stream, moment, way) for _ in range(times)]
    for case, took_s in found.items():
        print(f"{case:56} median {median(took_s) * 1000:5.1f} ms, most {max(took_s) * 1000:5.1f} ms")
    most_s = max(map(max, found.values()))
    print(json.dumps({"measured": len(found) * times, "most_ms": round(most_s * 1000, 1)}))
    return 1 if most_s >= MOST_S else 0


def measure(gateway: Running, upstream: Left, wire: Wire, stream: bool, moment: Moment, way: Way) -> float:
    upstream.moment = moment
    client = Client(gateway.port, wire, stream=stream)
    upstream.asked.get(timeout=PATIENCE_S)
    if stream and moment == "in the answer":
        client.read()
    left_at = client.leave(way)
    seen_at = upstream.left.get(timeout=PATIENCE_S)
    client.close()
    return seen_at - left_at


if __name__ == "__main__":
    sys.exit(main())
