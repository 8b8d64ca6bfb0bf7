"""Several processes play examples until together they have sent enough private requests."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.leaks.counting import Counts
from tests.leaks.world import World

EXAMPLES_AT_ONCE = 25


@dataclass(frozen=True)
class Share:
    """What one process plays: every `of`th example from `first` on, until it is told to stop."""

    seed: int
    first: int
    of: int


def play(seed: int, jobs: int, private: int) -> Iterator[Counts]:
    """What the processes have counted since they last told, as it comes in."""
    spawn = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    for first in range(jobs):
        here, there = spawn.Pipe()
        spawn.Process(target=_work, args=(Share(seed, first, jobs), there), daemon=True).start()
        there.close()
        ends.append(here)
    sent = 0
    while ends:
        for end in wait(ends):
            assert isinstance(end, Connection)
            try:
                counts: Counts = end.recv()
            except EOFError:
                ends.remove(end)
                continue
            sent += counts.private
            end.send(sent < private)
            yield counts


def _work(share: Share, end: Connection) -> None:
    asyncio.run(_play_share(share, end))


async def _play_share(share: Share, end: Connection) -> None:
    number = share.first
    while True:
        # A new world now and then: each gateway reads back the private conversations of all that the ledger has.
        with tempfile.TemporaryDirectory() as folder:
            async with World(Path(folder), share.seed) as world:
                for _ in range(EXAMPLES_AT_ONCE):
                    await world.play(number)
                    number += share.of
                end.send(world.counts)
        if not end.recv():
            return
