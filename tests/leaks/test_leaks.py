"""The short leak test, and each guard taken away once: then it must fail. The long one is `make leaktest`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.leaks.counting import Counts
from tests.leaks.mutations import MUTATIONS, Mutation
from tests.leaks.world import World

EXAMPLES = 220
MOST_EXAMPLES = 500
PRIVATE_AT_LEAST = 1800


def play(folder: Path, examples: int, seed: int, enough: Callable[[Counts], bool] = lambda counts: False) -> Counts:
    async def run() -> Counts:
        async with World(folder, seed) as world:
            for number in range(examples):
                await world.play(number)
                if enough(world.counts):
                    break
            return world.counts

    return asyncio.run(run())


@pytest.mark.timeout(300)
def test_no_planted_value_leaves(tmp_path: Path) -> None:
    counts = play(tmp_path, EXAMPLES, seed=4)
    assert counts.leaks == []
    assert counts.walls == [], "no second wall was needed and nothing crashed"
    assert counts.private >= PRIVATE_AT_LEAST
    assert counts.masked > 100, "what may leave masked must leave"
    assert counts.continued > 10
    assert counts.reached["cloud"] > 200, "what may leave must leave, or this proves nothing"
    assert counts.reached["other"] > 50
    assert counts.reached["trap"] == 0
    assert {200, 403, 500, 502, 503} <= counts.statuses.keys()
    for file in tmp_path.iterdir():
        assert b"geheim" not in file.read_bytes(), f"{file.name} holds content"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_without_this_guard_it_fails(mutation: Mutation, tmp_path: Path) -> None:
    def is_seen(counts: Counts) -> bool:
        if mutation.seen == "leak":
            return counts.leaks != []
        return any(mutation.shows in wall for wall in counts.walls)

    with mutation.take_away():
        counts = play(tmp_path, MOST_EXAMPLES, 7, is_seen)
    assert is_seen(counts)
    if mutation.seen == "wall":
        assert counts.leaks == [], "the next wall holds"
