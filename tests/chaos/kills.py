"""`python -m tests.chaos.kills`: the gateway is killed with SIGKILL under load, again and again, over one ledger.

Each time the ledger opens, its chain is whole, and every answer that a client had completely for longer than
`[ledger] flush_interval_s` and a margin is in it. Times are of this process's monotonic clock. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from tests.chaos.client import Client
from tests.chaos.plans import plan
from tests.chaos.verdict import verdict_on
from tests.chaos.world import FLUSH_S, World

from tidegate.ledger.reading import each_entry

MARGIN_S = 0.5
"""For the batch's own transaction, and for a loaded machine to run the writer: measured are some hundredths."""


@dataclass
class Kills:
    """`lost_s` is how long before its kill each answer was complete that is not in the ledger."""

    times: int = 0
    answers: int = 0
    rows: int = 0
    lost_s: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])

    @property
    def longest_lost_s(self) -> float:
        return max(self.lost_s, default=0.0)

    def view(self) -> dict[str, Any]:
        return {
            "kills": self.times,
            "answers": self.answers,
            "rows": self.rows,
            "flush_interval_s": FLUSH_S,
            "margin_s": MARGIN_S,
            "lost": len(self.lost_s),
            "longest_lost_s": round(self.longest_lost_s, 3),
            "wrong": self.wrong,
        }


def kill_again_and_again(folder: Path, seed: int, times: int, streams: int) -> Kills:
    kills, random = Kills(), Random(f"kills:{seed}")
    numbers = itertools.count(1)
    with World(folder, seed, kind_fakes=True) as world:
        for _ in range(times):
            seconds = FLUSH_S + MARGIN_S + random.random() * 1.5
            answered, killed_at = asyncio.run(_load_until_killed(world, seed, numbers, streams, seconds))
            kills.times += 1
            kills.answers += len(answered)
            _judge(world, kills, answered, killed_at)
            if sys.stderr.isatty():
                print(
                    f"\r{kills.times} kills, {kills.answers} answers, {len(kills.wrong)} wrong", end="", file=sys.stderr
                )
            world.start_gateway()  # it opens what was left
        code = world.gateway.stop()
        if code:
            kills.wrong.append(f"after all kills the gateway ends with exit code {code}")
        _prove(world, kills)
    return kills


async def _load_until_killed(
    world: World, seed: int, numbers: itertools.count[int], streams: int, seconds: float
) -> tuple[dict[str, float], float]:
    """When each exchange was completely answered, and when the gateway was killed: both on our clock."""
    answered: dict[str, float] = {}
    client = Client(world.gateway.port)

    async def ask_on() -> None:
        while True:
            for seen in await client.ask(plan(seed, next(numbers), calm=True)):
                if verdict_on(seen).kind in ("answer", "error") and "x-tidegate-exchange" in seen.headers:
                    answered[seen.headers["x-tidegate-exchange"]] = seen.ended_at

    clients = [asyncio.create_task(ask_on()) for _ in range(streams)]
    await asyncio.wait(clients, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    killed_at = monotonic()
    world.gateway.process.kill()
    for task in clients:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    world.gateway_stack.close()
    return answered, killed_at


def _judge(world: World, kills: Kills, answered: dict[str, float], killed_at: float) -> None:
    _prove(world, kills)
    booked = {entry.exchange_id for entry in each_entry(world.ledger)}
    kills.rows = len(booked)
    for exchange_id, ended_at in answered.items():
        if exchange_id not in booked:
            before_s = killed_at - ended_at
            kills.lost_s.append(before_s)
            if before_s > FLUSH_S + MARGIN_S:
                kills.wrong.append(
                    f"kill {kills.times}: {exchange_id} was answered {before_s:.3f} s before, and is lost"
                )
    with closing(sqlite3.connect(world.ledger)) as database:
        if (found := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            kills.wrong.append(f"kill {kills.times}: the file is damaged: {found}")


def _prove(world: World, kills: Kills) -> None:
    code, proof = world.prove()
    if code:
        kills.wrong.append(f"kill {kills.times}: `tidegate prove` ended with {code}: {json.dumps(proof)[:300]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how often it is killed")
    parser.add_argument("--streams", type=int, default=100, help="clients at the same time")
    parser.add_argument("--seed", type=int, default=1, help="where the chance begins")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidegate-kills-"))
    kills = kill_again_and_again(folder, options.seed, options.times, options.streams)
    print(json.dumps(kills.view(), indent=1))
    if kills.wrong:
        print(f"logs and ledger are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
